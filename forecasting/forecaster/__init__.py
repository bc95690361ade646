"""`Forecaster`: fit, predict, save and load.

forecaster      the public class
presets         named settings: classic, guarded, accurate, zero_shot
prepare         panel to training windows
fit             training windows to trained networks
validation      residuals and losses on held-out windows
fine_tuning     training that starts from a trained model
backtest        forecasters before each fold of the past, and their forecasts
cards           forecasters in a line, as cards for notebooks
trained_model   settings; networks, scaling and intervals after training
artifact        the model folder: config.json and model.safetensors
history         observations before each origin, scaled for the networks
predict         forecasts from given origins
predictor       forecasts of arrays: the one path of every forecast
"""
