"""Sliding windows by index: (seq_len observations) -> (the next horizon values).

A window is two numbers, its series and its first position. `Windows` computes both
from the window's number, so ten million windows need as much memory as one; values
are gathered a batch at a time, on the device of the series.
"""

import numpy as np
import torch
from torch import Tensor

from forecasting.data.window_spec import WindowSpec as WindowSpec
from forecasting.errors import SeriesTooShort
from forecasting.types import FloatArray, IntArray


class Windows:
    """All windows of a panel with targets between ``start`` and ``stop``, by number.

    Windows are numbered series after series, oldest first. None crosses a series'
    border, and no target reaches beyond ``stop``.

    Attributes:
        spec: lookback, horizon and stride.
        begins: first flat position of each series, ``(series,)``.

    Args:
        offsets: borders of the series in the flat array, ``(series + 1,)``.
        spec: lookback, horizon and stride.
        start: first observation of each series that may be a target, ``(series,)``;
            default the first one after a complete input.
        stop: end of the part of each series that targets may lie in, ``(series,)``;
            default the series' end.
        least: observations that each series must have before a target, ``(series,)``;
            default seq_len. Where it is less, the input is padded on the left with its
            series' first value.

    >>> windows = Windows(np.array([0, 20]), WindowSpec(seq_len=5, horizon=2))
    >>> len(windows)
    14
    >>> windows.gather(torch.arange(1.0, 21.0), torch.tensor([0, 13])).tolist()
    [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0]]
    """

    def __init__(
        self,
        offsets: IntArray,
        spec: WindowSpec,
        *,
        start: IntArray | None = None,
        stop: IntArray | None = None,
        least: IntArray | None = None,
    ) -> None:
        lengths = np.diff(offsets)
        begin = np.full_like(lengths, spec.seq_len) if least is None else least
        if start is not None:
            begin = np.maximum(begin, start)
        end = lengths if stop is None else np.minimum(lengths, stop)
        counts = np.maximum((end - begin - spec.horizon) // spec.stride + 1, 0)
        self.spec = spec
        self.begins = torch.from_numpy(offsets[:-1].copy())
        self._first = torch.from_numpy(offsets[:-1] + begin - spec.seq_len)
        self._counts = torch.from_numpy(counts)
        self._ends = torch.from_numpy(np.cumsum(counts))
        self._span = torch.arange(spec.length)
        self._length = int(counts.sum())
        self._is_unpadded = bool((begin >= spec.seq_len).all())

    def __len__(self) -> int:
        return self._length

    def to(self, device: torch.device) -> "Windows":
        """Move the index to ``device``; return self."""
        self.begins = self.begins.to(device)
        self._first = self._first.to(device)
        self._counts = self._counts.to(device)
        self._ends = self._ends.to(device)
        self._span = self._span.to(device)
        return self

    def locate(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return series and first flat position of windows ``index``, ``(n,)`` each.

        The position of a padded window lies before the start of its series.
        """
        series = torch.searchsorted(self._ends, index, right=True)
        before = self._ends[series] - self._counts[series]
        return series, self._first[series] + (index - before) * self.spec.stride

    def gather(self, values: Tensor, index: Tensor) -> Tensor:
        """Return the observations of windows ``index``, ``(n, seq_len + horizon)``.

        Args:
            values: the flat array, ``(points,)`` or ``(points, features)``; with
                features the result is ``(n, seq_len + horizon, features)``.
            index: numbers of windows, ``(n,)``.
        """
        series, first = self.locate(index)
        if self._is_unpadded and len(index):
            width = values[0].numel()
            rows = values.flatten().unfold(0, self.spec.length * width, width)
            shape = (len(index), self.spec.length, *values.shape[1:])
            return rows.index_select(0, first).view(shape)
        place = first[:, None] + self._span
        return values[place.maximum(self.begins[series][:, None])]

    def draw(
        self,
        series_probabilities: Tensor,
        count: int,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw the numbers of random windows, ``(count,)``, with replacement.

        Args:
            series_probabilities: weight of each series, ``(series,)``; its windows are
                equally likely.
            count: number of windows.
            generator: of random numbers; default torch's global one.
        """
        usable = series_probabilities * (self._counts > 0)
        series = torch.multinomial(usable, count, True, generator=generator)
        random = torch.rand(count, device=series.device, generator=generator)
        counts = self._counts[series]
        place = (random * counts).long().minimum(counts - 1)
        return self._ends[series] - counts + place

    def counts(self) -> Tensor:
        """Return the number of windows of each series, ``(series,)``."""
        return self._counts

    def sample_evenly(self, limit: int) -> Tensor:
        """Sample the numbers of at most ``limit`` windows at equal distances."""
        count = len(self)
        if count <= limit:
            return torch.arange(count, device=self._first.device)
        return (torch.arange(limit, device=self._first.device) * count) // limit


def sliding_windows(
    values: FloatArray, spec: WindowSpec
) -> tuple[FloatArray, FloatArray]:
    """Cut one series into inputs and targets, both views of the values.

    Args:
        values: ``(points,)`` or ``(points, features)``, oldest first. With features,
            the first one is the target.
        spec: lookback, horizon and stride.

    Returns:
        Inputs ``(windows, seq_len, features)`` and targets ``(windows, horizon)``.

    Raises:
        SeriesTooShort: there are fewer than seq_len + horizon points.

    >>> inputs, targets = sliding_windows(np.arange(1.0, 21.0), WindowSpec())
    >>> inputs.shape, targets[0].tolist(), targets[-1].tolist()
    ((14, 5, 1), [6.0, 7.0], [19.0, 20.0])
    """
    table = values[:, None] if values.ndim == 1 else values
    if len(table) < spec.length:
        raise SeriesTooShort(
            [("values", len(table))],
            spec.length,
            f"seq_len {spec.seq_len} + horizon {spec.horizon}",
        )
    view = np.lib.stride_tricks.sliding_window_view(table, spec.length, axis=0)
    view = view[:: spec.stride].swapaxes(1, 2)  # (windows, seq_len + horizon, features)
    return view[:, : spec.seq_len], view[:, spec.seq_len :, 0]
