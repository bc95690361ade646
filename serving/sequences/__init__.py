"""Requests to models of discrete series: body to response body, in worker threads.

values      series of numbers as arrays, in groups of similar length
classes     the label of each series, or of each step
symbols     the next symbol, and generation
encoding    answers as JSON
"""
