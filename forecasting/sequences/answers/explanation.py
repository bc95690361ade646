"""Explanation of a class: the steps that decided, by gradient times input.

The logit of a class changes with each number of a series; the product of its gradient
and the number, as the network reads it, is that number's part in the logit (Shrikumar,
Greenside, Kundaje 2017, section 2).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils.validation import check_is_fitted

from forecasting.devices import limit_threads
from forecasting.errors import UnknownSymbols
from forecasting.sequences.classifier import CPU, SequenceClassifier
from forecasting.sequences.data import pad_series
from forecasting.types import FloatArray


@dataclass(frozen=True, slots=True)
class ClassExplanation:
    """Parts of the steps of a series in the logit of a class.

    Attributes:
        label: the class.
        parts: for each step and channel, ``(steps, channels)``; positive ones speak for
            the class, negative ones against it.
        share: of the networks in the answer, 0 to 1; the rest are random features,
            which are not explained.
    """

    label: Any
    parts: FloatArray
    share: float


def explain_class(
    model: SequenceClassifier, series: npt.ArrayLike, label: Any = None
) -> ClassExplanation:
    """Explain the class of one series.

    Args:
        model: trained classifier.
        series: ``(steps,)`` or ``(steps, channels)``.
        label: class to explain; None for the most probable one.

    Raises:
        NotFittedError: the model has not been trained.
        InvalidSeries, ShapeError: the series cannot be read.
        UnknownSymbols: the training did not have this class.
    """
    check_is_fitted(model)
    classes = model.classes_.tolist()
    if label is None:
        [label] = model.predict([np.asarray(series, np.float64)]).tolist()
    if label not in classes:
        raise UnknownSymbols("class", [label], classes, "Explain one of the others.")
    padded = pad_series([series])
    model._check_channels(padded)
    steps = padded.values.shape[1]
    scaled = model.scaler_.scale_series(padded).pad_to_multiple(model.patch_len_)
    values = scaled.values.clone().requires_grad_()
    total = torch.zeros_like(values)
    with limit_threads(CPU, model.hidden_size), torch.enable_grad():
        for network in model.networks_:
            logit = network.logits(values)[0][0, classes.index(label)]
            total += torch.autograd.grad(logit, values)[0] * values.detach()
    parts = total[0, :steps] / len(model.networks_)
    share = 1.0 if model.mixture_ is None else model.mixture_.share
    return ClassExplanation(label, parts.numpy(), share)
