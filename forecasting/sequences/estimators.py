"""RNN, LSTM and GRU as scikit-learn classifiers of series.

RNNClassifier     the Elman network, tanh or relu
LSTMClassifier    long short-term memory
GRUClassifier     gated recurrent units
"""

from forecasting.sequences.classifier import SequenceClassifier


class RNNClassifier(SequenceClassifier):
    """Classifies series with Elman's recurrent network; see `SequenceClassifier`."""

    cell = "rnn"


class LSTMClassifier(SequenceClassifier):
    """Classifies series with long short-term memory; see `SequenceClassifier`.

    >>> import numpy as np
    >>> series = [np.arange(n) * sign for n in range(5, 9) for sign in (1.0, -1.0)]
    >>> classifier = LSTMClassifier(hidden_size=8, members=1, random_state=0)
    >>> labels = ["up", "down"] * 4
    >>> classifier.fit(series, labels).predict([np.arange(7.0), -np.arange(5.0)])
    array(['up', 'down'], dtype='<U4')
    """

    cell = "lstm"


class GRUClassifier(SequenceClassifier):
    """Classifies series with gated recurrent units; see `SequenceClassifier`."""

    cell = "gru"
