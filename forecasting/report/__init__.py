"""The report of a model: one HTML file that needs no network and no script.

page        the file, from a template
content     its parts, from a model and its track record
series      the series that are drawn: history, past forecasts, forecast
influence   the observations and covariates that a forecast depends on
svg         charts of lines and bands as scalable graphics
sentences   the main figures in plain words, for descriptions in MLflow too
"""
