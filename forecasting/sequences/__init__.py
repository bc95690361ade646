"""Discrete series: a label for each series or step, the next symbol, generation.

estimators   `RNNClassifier`, `LSTMClassifier`, `GRUClassifier`
classifier   their base class: a label for each series
labeler      `SequenceLabeler`: a label for each step
symbols/     `SymbolModel`: the next symbol, generation
features/    random convolutions and reservoirs, mixed with the networks
base         base class of all estimators of series: settings, reading of series
folds        ensembles trained on folds of the series
network      heads to classes over the encoder of the forecasters
scaling      normalisation of channels
data         padded series and their lengths
reading/     series with labels from files and frames
evaluation/  the test part, figures on it beside baselines, significance
answers/     predictions as tables, explanation, the model in MLflow
metrics      figures of classes and symbols
storage      saved models
"""
