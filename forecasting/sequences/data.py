"""Series of unequal lengths as padded batches.

Series enter as arrays ``(series, steps)`` or ``(series, steps, channels)``, or as a
list of arrays ``(steps,)`` or ``(steps, channels)`` of any lengths. Shorter ones are
padded with zeros at their end; the number of valid steps goes with them, so that a
padded series gives the numbers of the series alone.

Letters in comments: B batch, L steps, C channels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from forecasting.errors import InvalidSeries, ShapeError
from forecasting.types import FloatArray

MAX_STEPS = 1_000_000  # of a series
MAX_VALUES = 2**28  # of all padded series: 2 GB
BLOCK_VALUES = 2**21  # numbers of a block of series, without gradients


@dataclass(frozen=True, slots=True)
class PaddedSeries:
    """Series in one tensor, shorter ones padded with zeros.

    Attributes:
        values: ``(series, steps, channels)``, float64.
        lengths: number of valid steps of each, ``(series,)``.
    """

    values: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.values.shape[2]

    @property
    def are_equal(self) -> bool:
        """Whether all series have one length."""
        return bool((self.lengths == self.values.shape[1]).all())

    @property
    def mask(self) -> Tensor:
        """Whether each step is valid, ``(series, steps)``."""
        steps = torch.arange(self.values.shape[1], device=self.values.device)
        return steps < self.lengths[:, None]

    def take(self, index: Tensor) -> "PaddedSeries":
        """Return series by their index, without the steps beyond the longest one."""
        lengths = self.lengths[index]
        steps = int(lengths.max()) if len(lengths) else 0
        return PaddedSeries(self.values[index, :steps], lengths)

    def blocks(self) -> Iterator["PaddedSeries"]:
        """Yield all series in order, in blocks of bounded size."""
        rows = max(BLOCK_VALUES // max(self.values[0].numel(), 1), 1)
        for index in torch.arange(len(self)).split(rows):
            yield self.take(index)

    def pad_to_multiple(self, size: int) -> "PaddedSeries":
        """Return the series with zeros up to a multiple of ``size`` steps."""
        missing = -self.values.shape[1] % size
        padded = torch.nn.functional.pad(self.values, (0, 0, 0, missing))
        return PaddedSeries(padded, self.lengths)


def is_ragged(series: Any) -> bool:
    """Return whether series are a list of arrays instead of one array."""
    if isinstance(series, np.ndarray):
        return series.ndim == 1 and series.dtype == object
    if not isinstance(series, list | tuple) or not series:
        return False
    if all(isinstance(one, np.ndarray | Tensor) for one in series):
        return True
    return all(np.ndim(one[0]) <= 1 for one in series if _has_items(one)) and (
        len({len(one) for one in series if _has_items(one)}) > 1
    )


def _has_items(one: Any) -> bool:
    return isinstance(one, list | tuple) and len(one) > 0


def pad_series(series: Sequence[npt.ArrayLike]) -> PaddedSeries:
    """Pad a list of series ``(steps,)`` or ``(steps, channels)``.

    Raises:
        InvalidSeries: no series, an empty one, missing or infinite values, or lengths
            beyond the limit.
        ShapeError: series differ in their number of channels.
    """
    if not len(series):
        raise InvalidSeries("the series", "there are none", "Give at least one.")
    arrays = [_as_steps(one, f"series {n}") for n, one in enumerate(series)]
    channels = arrays[0].shape[1]
    for number, array in enumerate(arrays):
        if array.shape[1] != channels:
            raise ShapeError(f"series {number}", array.shape, ("steps", channels))
    lengths = np.array([len(array) for array in arrays])
    if len(arrays) * int(lengths.max()) * channels > MAX_VALUES:
        size = f"{len(arrays)} series padded to {lengths.max()} steps"
        raise InvalidSeries(
            "the series", f"{size} exceed {MAX_VALUES} numbers", "Cut the longest ones."
        )
    values = torch.zeros(len(arrays), int(lengths.max()), channels, dtype=torch.float64)
    for number, array in enumerate(arrays):
        values[number, : len(array)] = torch.from_numpy(array)
    return PaddedSeries(values, torch.from_numpy(lengths))


def pad_array(values: FloatArray) -> PaddedSeries:
    """Wrap checked series ``(series, steps)`` or ``(series, steps, channels)``."""
    if values.ndim not in (2, 3):
        raise ShapeError("X", values.shape, ("series", "steps", "channels"))
    tensor = torch.tensor(values if values.ndim == 3 else values[..., None])
    return PaddedSeries(tensor, torch.full((len(tensor),), tensor.shape[1]))


def _as_steps(one: npt.ArrayLike, where: str) -> FloatArray:
    """Return a series as ``(steps, channels)``, checked."""
    try:
        array = np.array(one, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSeries(
            where, "it is not a table of numbers", "Give numbers, a row a step."
        ) from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.shape[1]:
        raise ShapeError(where, array.shape, ("steps", "channels"))
    if not 0 < len(array) <= MAX_STEPS:
        problem = f"it has {len(array)} steps; expected 1 to {MAX_STEPS}"
        raise InvalidSeries(where, problem, "Leave it out, or cut it.")
    if not np.isfinite(array).all():
        step, channel = np.argwhere(~np.isfinite(array))[0]
        problem = f"step {step} of channel {channel} is missing or infinite"
        raise InvalidSeries(where, problem, "Fill it, or leave the series out.")
    return array
