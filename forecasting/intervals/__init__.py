"""Prediction intervals by conformal calibration.

table         quantiles of the residuals by step
calibration   interval widths learned from backtest errors, split or adaptive
volatility    residuals scaled by the recent volatility of a series
errors        errors of held-out forecasts, with the properties of their windows
relative      errors on logarithms as relative errors, and the choice between the two
shown         range of values that series have shown, and limits of forecasts
scores        residuals of quantile forecasts as standard normal scores
"""
