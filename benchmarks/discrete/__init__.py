"""Rivals and data of the benchmark of discrete series.

tutorial   the plain training loop of torch for a classifier of series
activity   steps of several activities in one series, and a window classifier
"""
