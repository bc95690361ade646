"""Recurrent networks and their closed-form linear part.

config             settings of a network
cells              RNN, LSTM, GRU and MLP cells, stacked and bidirectional
encoder_decoder    encoder and decoder modules
network            `RecurrentNetwork`: direct, recursive and seq2seq forecasts
covariate_layers   embeddings and the head for future covariates
linear_skip        linear part of the forecast, set in closed form
quantile_head      quantiles that cannot cross
ensemble           several networks as one forecast
ridge              ridge regression along a path of penalties
window_ridge       ridge forecast of scaled windows, penalty chosen by validation
"""
