"""From a request body to a forecast.

forecast      forecast requests to responses
explain       explain requests to responses
arrays        requests to arrays of the predictor
panels        series of a request to a `Panel`, with checks of each series
covariates    covariates of a request, decoded by the types of the model
timestamps    evenly spaced timestamps without pandas
limits        bounds on series, steps and levels, for all protocols
locations     errors of the library to errors of a request, for all protocols
batching      requests of one moment in one forward pass
thread_pool   bounded threads for everything else
encoding      forecasts to JSON
"""
