"""Forecast accuracy on published sets of series."""
