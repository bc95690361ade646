"""Probabilities of a classifier for requests of few series, by the compiled loops.

The loops compute in float32, torch in float64: the probabilities are equal to float32
rounding.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from forecasting.kernels.compilation import is_compiled
from forecasting.kernels.network import MAX_HIDDEN_SIZE, LoopedNetwork, has_loops
from forecasting.sequences.classifier import SequenceClassifier
from forecasting.sequences.data import PaddedSeries, pad_series
from forecasting.types import FloatArray

MAX_STATES = 2**17  # series times recurrent steps: some hundred MB


class ClassEvaluator:
    """The probabilities of a trained classifier, fast for one series.

    The loops run small networks of one direction on series of one length, if this
    machine has compiled them; the classifier itself answers for all others.

    Args:
        model: trained classifier; the loops copy its weights.
    """

    def __init__(self, model: SequenceClassifier) -> None:
        self.model = model
        self._looped: list[LoopedNetwork] = []
        network = model.networks_[0]
        is_small = network.config.hidden_size <= MAX_HIDDEN_SIZE
        if is_small and has_loops(network) and is_compiled():
            self._looped = [LoopedNetwork(one) for one in model.networks_]

    def predict_proba(self, series: Sequence[npt.ArrayLike]) -> FloatArray:
        """Return the probability of each class, ``(series, classes)``.

        Args:
            series: arrays ``(steps,)`` or ``(steps, channels)``.

        Raises:
            InvalidSeries, ShapeError: a series cannot be read.
        """
        padded = pad_series(series)
        self.model._check_channels(padded)
        states = len(padded) * padded.values.shape[1] // self.model.patch_len_
        if self._looped and padded.are_equal and states <= MAX_STATES:
            probabilities = self._by_loops(padded)
            if probabilities.isfinite().all():  # float32 has a smaller range
                return probabilities.numpy()
        return self.model.predict_proba([np.asarray(one) for one in series])

    @torch.inference_mode()
    def _by_loops(self, series: PaddedSeries) -> Tensor:
        """Return the probabilities, in float64."""
        scaled = self.model.scaler_.scale_series(series)
        rows = scaled.pad_to_multiple(self.model.patch_len_).values.flatten(1)
        windows = rows.float().numpy()
        members = [torch.from_numpy(network(windows)) for network in self._looped]
        mean = torch.stack(members).double().softmax(2).mean(0)
        mixture = self.model.mixture_
        return mean if mixture is None else mixture.mix(scaled, mean.log()).softmax(1)
