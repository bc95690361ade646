"""The prior: random series that stand for the series of the world.

`draw_panel` is deterministic: the same recipe and seed give the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from forecasting.data.panel import Panel
from forecasting.errors import SettingError
from forecasting.pretraining.components import chance
from forecasting.pretraining.effects import add_events, to_units
from forecasting.pretraining.processes import (
    Process,
    counts,
    profiles,
    regimes,
    smooth,
    state_space,
)
from forecasting.types import FloatArray, IntArray

PROCESSES: dict[str, Process] = {
    "state_space": state_space,
    "regimes": regimes,
    "smooth": smooth,
    "profiles": profiles,
}
COUNTS, MIXED = "counts", "mixed"
KINDS = (*PROCESSES, COUNTS, MIXED)
BLOCK = 2000  # series drawn at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Settings of the prior for one season length.

    Attributes:
        season_length: steps of a season; 1 for none.
        shortest, longest: observations of a series; lengths are uniform on the
            logarithm.
        shares: relative frequency of each kind of `KINDS`.

    Raises:
        SettingError: an unknown kind, or lengths in the wrong order.
    """

    season_length: int
    shortest: int
    longest: int
    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.shares) - set(KINDS))
        if unknown or not self.shares:
            expected = f"a share of some of {', '.join(KINDS)}"
            raise SettingError("shares", unknown, expected)
        if not 2 <= self.shortest <= self.longest:
            raise SettingError(
                "shortest", self.shortest, f"from 2 to longest {self.longest}"
            )


def draw_panel(prior: Prior, count: int, seed: int) -> tuple[Panel, tuple[str, ...]]:
    """Draw series from the prior, with the kind of each.

    Args:
        prior: its settings.
        count: number of series.
        seed: of all random numbers.
    """
    rng = np.random.default_rng(seed)
    parts, kinds = list[FloatArray](), list[str]()
    for first in range(0, count, BLOCK):
        rows = _draw_block(rng, prior, min(BLOCK, count - first))
        parts += rows[0]
        kinds += rows[1]
    lengths = np.array([len(part) for part in parts])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    panel = Panel(
        series_ids=tuple(f"synthetic {number}" for number in range(count)),
        values=np.concatenate(parts),
        offsets=offsets,
        timestamps=np.concatenate([np.arange(1, n + 1) for n in lengths]),
    )
    return panel, tuple(kinds)


def _draw_block(
    rng: Generator, prior: Prior, count: int
) -> tuple[list[FloatArray], list[str]]:
    names = list(prior.shares)
    shares = np.array([prior.shares[name] for name in names])
    kinds = rng.choice(len(names), count, p=shares / shares.sum())
    values = np.empty((count, prior.longest))
    for number, name in enumerate(names):
        rows = np.flatnonzero(kinds == number)
        if len(rows):
            values[rows] = _draw_kind(rng, prior, name, len(rows))
    logs = rng.uniform(np.log(prior.shortest), np.log(prior.longest + 1), count)
    lengths = np.minimum(np.exp(logs).astype(np.int64), prior.longest)
    return _cut(values, lengths), [names[kind] for kind in kinds]


def _draw_kind(rng: Generator, prior: Prior, kind: str, count: int) -> FloatArray:
    length, m = prior.longest, prior.season_length
    if kind == COUNTS:
        demand = counts(rng, count, length, m)
        scale = np.where(chance(rng, 0.7, count), 1.0, rng.uniform(0.1, 100, count))
        return np.asarray(demand * scale[:, None])
    if kind == MIXED:
        weights = rng.dirichlet(np.ones(2), count)
        pair = [PROCESSES[name](rng, count, length, m) for name in _main_pair(prior)]
        values = weights[:, :1] * pair[0] + weights[:, 1:] * pair[1]
    else:
        values = PROCESSES[kind](rng, count, length, m)
    return to_units(rng, add_events(rng, values, m))


def _main_pair(prior: Prior) -> tuple[str, str]:
    """Return the two most frequent families."""
    names = sorted(PROCESSES, key=lambda name: -prior.shares.get(name, 0.0))
    return names[0], names[1]


def _cut(values: FloatArray, lengths: IntArray) -> list[FloatArray]:
    """Return the last observations of each row."""
    longest = values.shape[1]
    return [row[longest - n :] for row, n in zip(values, lengths.tolist(), strict=True)]
