"""Series in memory: panels, covariates, windows, splits and forecasts.

panel        one series or many in one flat array
covariates   further columns beside the target, and their future values
window_spec  lookback, horizon and stride
windows      (input, target) pairs as indices, never stored
schema       columns of a file, their roles and how values are written
splits       forecast origins, rolling folds, cutoffs
forecast     points and intervals with their timestamps
cards        panels and forecasts in a line, and as cards for notebooks
plotting     a panel with its backtest and forecast as a figure
"""
