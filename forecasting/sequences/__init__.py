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
labels       labels of steps as codes
metrics      figures of classes and symbols
readers      text forms of the UCR and UEA archives, long frames
storage      saved models
"""

from forecasting.sequences.estimators import (
    GRUClassifier,
    LSTMClassifier,
    RNNClassifier,
)
from forecasting.sequences.labeler import SequenceLabeler
from forecasting.sequences.readers import read_archive, read_labelled_frame
from forecasting.sequences.storage import load_sequence_model, save_sequence_model
from forecasting.sequences.symbols.model import SymbolModel

__all__ = [
    "GRUClassifier",
    "LSTMClassifier",
    "RNNClassifier",
    "SequenceLabeler",
    "SymbolModel",
    "load_sequence_model",
    "read_archive",
    "read_labelled_frame",
    "save_sequence_model",
]
