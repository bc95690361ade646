"""Layout of the input tensor: target, numbers and category codes by column.

A window with covariates is one tensor: a row for each of its seq_len observations and
of the horizon's steps, a column for each feature. The target comes first, then

    numbers     past, known, positions in the seasons, static
    categories  past, known, static, as codes; 0 is a category not in the training data

Each step of a forecast reads the known covariates of that step only, so that values
after the last step of the forecast change nothing.
"""

from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Number of columns of each kind, and number of codes of each category."""

    past: int = 0
    known: int = 0
    seasons: int = 0
    static: int = 0
    past_codes: tuple[int, ...] = ()
    known_codes: tuple[int, ...] = ()
    static_codes: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Number of columns, the target included."""
        return self._borders[-1]

    @property
    def _borders(self) -> list[int]:
        codes = map(len, (self.past_codes, self.known_codes, self.static_codes))
        counts = (1, self.past, self.known, self.seasons, self.static, *codes)
        return list(accumulate(counts))

    def numbers(self, rows: Tensor, *, ahead: bool) -> Tensor:
        """Return the columns of numbers of the window, or of the steps ahead.

        The steps ahead have known, seasonal and static numbers. The window has all but
        the static ones, which would only be repeated.
        """
        _, past, _, seasons, static = self._borders[:5]
        return rows[..., past:static] if ahead else rows[..., 0:seasons]

    def codes(self, rows: Tensor, *, ahead: bool) -> list[tuple[Tensor, int]]:
        """Return the columns of codes with the number of codes of each."""
        first = self._borders[4]
        sizes = (*self.past_codes, *self.known_codes, *self.static_codes)
        columns = rows[..., first:].long().unbind(-1)
        pairs = list(zip(columns, sizes, strict=True))
        split, end = len(self.past_codes), len(self.past_codes + self.known_codes)
        return pairs[split:] if ahead else pairs[:end]


@dataclass(frozen=True, slots=True)
class EncodedCovariates:
    """Encoded covariates of every observation of a panel.

    Attributes:
        columns: all but the target, ``(points, layout.width - 1)``.
        layout: order of the columns.
    """

    columns: Tensor
    layout: Layout

    def to(self, device: torch.device) -> "EncodedCovariates":
        """Return the covariates on a device."""
        return EncodedCovariates(self.columns.to(device), self.layout)


def embedding_size(size: int) -> int:
    """Return the size of an embedding: half the codes, at most 16."""
    return min(16, (size + 1) // 2)


def join_inputs(windows: Tensor, covariates: Tensor | None) -> Tensor:
    """Return a network's inputs, ``(n, steps, features)``.

    Args:
        windows: z, ``(n, seq_len)``.
        covariates: of the windows and the steps ahead; None for a model without any.
    """
    inputs = windows[..., None]
    return inputs if covariates is None else append_covariates(inputs, covariates)


def append_covariates(inputs: Tensor, covariates: Tensor) -> Tensor:
    """Concatenate a target and its covariates by column, ``(n, steps, features)``.

    Args:
        inputs: the target of the window, ``(n, seq_len, 1)``; padded with zeros for
            the steps ahead.
        covariates: of the window and of the steps ahead, ``(n, steps, features - 1)``.
    """
    num_ahead = covariates.shape[1] - inputs.shape[1]
    return torch.cat([pad(inputs, (0, 0, 0, num_ahead)), covariates], 2)
