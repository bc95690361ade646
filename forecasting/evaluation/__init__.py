"""Forecast accuracy: metrics, baselines, rolling-origin backtests.

metrics       MAE, RMSE, MASE, interval scores, skill
naive_scale   error of the naive forecast, the scale of MASE
baselines     last value, seasonal naive, drift, mean, linear autoregression
linear_ar     linear autoregression of windows
backtest      forecasts from rolling origins
scores        metrics of a backtest, overall, by series and by step
skill         skill with its standard error and interval, over paired cutoffs
"""
