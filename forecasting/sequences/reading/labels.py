"""Labels of steps as codes, the whole numbers that networks give."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.errors import UnknownSymbols
from forecasting.types import IntArray


def encode_labels(labels: Sequence[Any], classes: Sequence[Any]) -> IntArray:
    """Return the code of each label of a series; -1 for a missing one, ``(steps,)``.

    Missing are None, NaN and empty text.

    Raises:
        UnknownSymbols: a label that is not among the classes.
    """
    codes = {label: code for code, label in enumerate(classes)}
    plain = [None if is_missing(one) else one for one in labels]
    unknown = dict.fromkeys(s for s in plain if s is not None and s not in codes)
    if unknown:
        advice = "Leave the series out, or train with them."
        raise UnknownSymbols("label", unknown, classes, advice)
    return np.array([-1 if s is None else codes[s] for s in plain], np.int64)


def is_missing(label: Any) -> bool:
    """Return whether a label is missing: None, NaN or empty text."""
    return label is None or label == "" or label != label
