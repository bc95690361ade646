"""Forecasts without a trained model: in every service, whatever the registry holds.

answer     requests to responses
arrays     requests to arrays, with checks of each series
time_axis  the calendar of the series, and their timestamps ahead
model      the zero-shot forecaster as a model of batches
"""
