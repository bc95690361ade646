"""Figures of models of discrete series on a test part, beside baselines.

splits         the test part: whole series, or the latest steps of each
measurement    figures of a model on it
baselines      majority, last label, nearest neighbour
ngrams         counts of the symbols after the last ones
significance   whether one model is better than another on the same test part
"""
