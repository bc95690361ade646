"""Sliding windows by index: (seq_len observations) -> (the next horizon values).

A window is two numbers, its series and its first position. `PlainWindows` computes both
from the window's number, so ten million windows cost as much memory as one; values
are gathered a batch at a time, on the device where the series lie.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecasting.errors import SeriesTooShort, SettingError
from forecasting.types import FloatArray, IntArray

MAX_LENGTH = 10_000  # steps; a longer window is a slip of the keyboard


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """Shape of a window.

    Attributes:
        seq_len: observations that go in.
        horizon: steps ahead that come out.
        stride: steps between the starts of neighbouring windows.

    Raises:
        SettingError: a length is not a whole number of at least 1.
    """

    seq_len: int = 5
    horizon: int = 2
    stride: int = 1

    def __post_init__(self) -> None:
        for name in ("seq_len", "horizon", "stride"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SettingError(name, value, "a whole number of at least 1")
            if value > MAX_LENGTH:
                raise SettingError(name, value, f"at most {MAX_LENGTH}")

    @property
    def length(self) -> int:
        """Observations that one window spans, input and target."""
        return self.seq_len + self.horizon


class Windows:
    """All windows of a panel whose targets lie in given parts of its series.

    Windows are numbered series after series, oldest first. None crosses a series'
    border, and no target reaches behind ``stop``.

    Attributes:
        spec: shape of a window.
        begins: first flat position of each series, ``(series,)``.

    Args:
        offsets: borders of the series in the flat array, ``(series + 1,)``.
        spec: shape of a window.
        start: first observation of each series that may be a target, ``(series,)``;
            default the first that has a whole input before it.
        stop: end of the part of each series that targets may lie in, ``(series,)``;
            default the series' end.
        least: observations that each series must have before a target, ``(series,)``;
            default seq_len. Where it is less, a window begins with its series' first
            value again and again.

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
        self._until = torch.from_numpy(np.cumsum(counts))
        self._span = torch.arange(spec.length)
        self._inside = bool(
            (begin >= spec.seq_len).all()
        )  # of their series, all of them

    def __len__(self) -> int:
        return int(self._until[-1])

    def to(self, device: torch.device) -> "Windows":
        """Move the index to ``device``; return self."""
        self.begins = self.begins.to(device)
        self._first = self._first.to(device)
        self._counts = self._counts.to(device)
        self._until = self._until.to(device)
        self._span = self._span.to(device)
        return self

    def locate(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return series and first flat position of windows ``index``, ``(n,)`` each.

        The position lies before the series where the window does.
        """
        series = torch.searchsorted(self._until, index, right=True)
        before = self._until[series] - self._counts[series]
        return series, self._first[series] + (index - before) * self.spec.stride

    def gather(self, values: Tensor, index: Tensor) -> Tensor:
        """Return the observations of windows ``index``, ``(n, seq_len + horizon)``.

        Args:
            values: the flat array, ``(points,)`` or ``(points, features)``; with
                features the result is ``(n, seq_len + horizon, features)``.
            index: numbers of windows, ``(n,)``.
        """
        series, first = self.locate(index)
        if self._inside and len(index):
            width = values[0].numel()
            rows = values.flatten().unfold(0, self.spec.length * width, width)
            shape = (len(index), self.spec.length, *values.shape[1:])
            return rows.index_select(0, first).view(shape)
        place = first[:, None] + self._span
        return values[place.maximum(self.begins[series][:, None])]

    def draw(
        self, chances: Tensor, count: int, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the numbers of random windows, ``(count,)``.

        Args:
            chances: of each series, ``(series,)``; its windows share them alike.
            count: how many, with replacement.
            generator: of random numbers; default torch's own.
        """
        usable = chances * (self._counts > 0)
        series = torch.multinomial(usable, count, True, generator=generator)
        random = torch.rand(count, device=series.device, generator=generator)
        counts = self._counts[series]
        place = (random * counts).long().minimum(counts - 1)
        return self._until[series] - counts + place

    def counts(self) -> Tensor:
        """Return the number of windows of each series, ``(series,)``."""
        return self._counts

    def evenly(self, most: int) -> Tensor:
        """Return the numbers of at most ``most`` windows, evenly spread."""
        count = len(self)
        if count <= most:
            return torch.arange(count, device=self._first.device)
        return (torch.arange(most, device=self._first.device) * count) // most


def sliding_windows(
    values: FloatArray, spec: WindowSpec
) -> tuple[FloatArray, FloatArray]:
    """Cut one series into inputs and targets, both views: nothing is copied.

    Args:
        values: ``(points,)`` or ``(points, features)``, oldest first. With features,
            the first one is the target.
        spec: shape of a window.

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
