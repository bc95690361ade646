"""A model a series: one trained state that holds all ("local" models, in the field).

packing.py       the models of many series as stacked tensors
models.py        the trained state: the model of a series, and facts on all of them
per_series.py    one forecaster for each series, and all of them joined
predictor.py     forecasts of each row by the model of its series
"""
