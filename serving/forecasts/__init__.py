"""From a request body to a forecast.

forecast            forecast requests to responses
explain             explain requests to responses
arrays              requests to arrays of the predictor
panels              series of a request to a `Panel`, with checks of each series
covariates          covariates of a request, decoded by the types of the model
covariate_windows   of evenly spaced series, cut to what is read, a batch at a time
timestamps          evenly spaced timestamps without pandas
batching            requests of one moment in one forward pass
thread_pool         bounded threads for everything else
encoding            forecasts to JSON
zeroshot            forecasts without a trained model
"""
