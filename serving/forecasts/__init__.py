"""From a validated request to a forecast.

forecast          forecast requests to answers
explain           explain requests to answers
panels            series of a request to a `Panel`
covariates        covariates of a request
limits            bounds on series, steps and levels, for all protocols
fast_request      plain requests, decoded and answered from arrays
fast_timestamps   evenly spaced timestamps without pandas
batching          plain requests of one moment in one forward pass
thread_pool       bounded threads for everything else
encoding          forecasts to JSON
"""
