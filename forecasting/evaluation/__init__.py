"""Forecast accuracy: metrics, baselines, rolling-origin backtests.

metrics       MAE, RMSE, MASE, interval scores, skill
naive_scale   error of the naive forecast, the scale of MASE
baselines     last value, seasonal naive, drift, mean, linear autoregression
zero_shot_baseline  zero-shot forecasts, without a training
linear_ar     linear autoregression of windows
backtest      forecasts from rolling origins
scores        metrics of a backtest, overall, by series and by step
comparison    models beside baselines on the same folds
leaderboard   a finished backtest: scores, plot, card
evidence      the size of a test in words
skill         skill with its standard error and interval, over paired cutoffs
"""
