"""Evaluation of held-out windows, in blocks of bounded size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from forecasting.datasets.window_dataset import EVALUATION_BATCH, WindowDataset
from forecasting.scaling.window_scaling import ScaledWindows
from forecasting.types import FloatArray, IntArray

Rows = Mapping[str, npt.NDArray[Any]]  # by name, one row per window


@dataclass(frozen=True, slots=True)
class WindowBlock:
    """Some windows of a data set, with their targets.

    Attributes:
        dataset: the windows and their series.
        index: numbers of the windows, ``(n,)``.
        inputs: z of the windows, see `WindowDataset.take`.
        targets: z of the following values, ``(n, horizon)``.
    """

    dataset: WindowDataset
    index: Tensor
    inputs: Tensor
    targets: Tensor

    @property
    def series(self) -> IntArray:
        """Series of each window, ``(n,)``."""
        series: IntArray = self.dataset.windows.locate(self.index)[0].cpu().numpy()
        return series

    @property
    def frame(self) -> ScaledWindows:
        """The windows with the scaling that turns forecasts z of them into u."""
        return self.dataset.frame(self.index)

    def observations(self) -> FloatArray:
        """Return z of the observed target in each window, ``(n, seq_len)``."""
        return to_array(self.inputs[:, : self.dataset.windows.spec.seq_len, 0])


def validate(
    dataset: WindowDataset,
    measure: Callable[[WindowBlock], Rows],
    *,
    max_windows: int | None = None,
) -> Rows:
    """Measure the windows of a data set, block by block.

    Args:
        dataset: the windows.
        measure: returns arrays by name for a block, one row per window.
        max_windows: number of windows to measure, at equal distances; default all.

    Returns:
        By name, the rows of all blocks, in the order of the windows.
    """
    count = len(dataset) if max_windows is None else max_windows
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for index in dataset.windows.sample_evenly(count).split(EVALUATION_BATCH):
        block = WindowBlock(dataset, index, *dataset.take(index))
        for name, rows in measure(block).items():
            parts.setdefault(name, []).append(rows)
    return {name: np.concatenate(rows) for name, rows in parts.items()}


def to_array(tensor: Tensor) -> FloatArray:
    """Return a tensor of any device and precision in NumPy's double precision."""
    array: FloatArray = tensor.cpu().double().numpy()
    return array
