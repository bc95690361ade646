"""Batch jobs: train, compare, backtest, forecast, explain."""
