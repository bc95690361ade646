"""Choices made on the data by validation.

normalization   the normalization with the best ridge forecast
lookback        lookback and season length by a search over ridge forecasts
seasonality     season lengths from the autocorrelation
windows         lookback and horizon by frequency and season
guard           the method that answers for each series: simple forecast or network
zero_shot       the forecast without training, for all series or for none
"""
