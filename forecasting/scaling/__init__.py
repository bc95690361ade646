"""Scaling of series and windows, and its inverse.

methods          a class for each method: statistics of series, levels of windows
normalization    statistics of every series, fitted by a method; scale and unscale
window_scaling   scaled windows; states of exponential smoothing at every point
ets              exponential smoothing: level, trend and season at every timestamp
ets_loops        its loops over the observations of a series, compiled
"""
