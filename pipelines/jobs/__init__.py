"""The batch jobs: train, compare, tune, backtest, forecast, explain."""
