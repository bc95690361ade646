"""Prediction intervals by conformal calibration.

table         quantiles of the residuals by step
calibration   interval widths learned from backtest errors, split or adaptive
volatility    residuals scaled by the recent volatility of a series
scores        residuals of quantile forecasts as standard normal scores
"""
