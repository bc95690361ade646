"""Scaling of series and windows, and its inverse.

normalization    transforms fitted per series: standard, min-max, robust, logarithm
window_scaling   level, season and scale of each window
ets              exponential smoothing: level, trend and season at every timestamp
"""
