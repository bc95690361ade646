"""Encoding of covariates as inputs of the network and of its linear part.

encoding   text to codes, numbers to the scale of the training data
layout     the order of target, numbers and codes in a window
design     the features of the linear forecast
windows    covariates of the windows at forecast origins, with checks of their length
"""
