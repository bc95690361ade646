"""Batch jobs: train, compare, tune, backtest, forecast, explain."""
