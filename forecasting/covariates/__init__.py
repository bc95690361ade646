"""Covariates as the network reads them.

encoding   text to codes, numbers to the scale of the training data
layout     the order of target, numbers and codes in a window
design     the features of the linear forecast
windows    covariates at given origins, checked for their reach
"""
