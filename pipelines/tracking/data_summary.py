"""Summary of the series of a training, by which the next one is checked.

A model that was trained on a damaged file can have a good backtest on it. Its level,
spread, zeros and length give it away beside those of the champion.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from forecasting.data.panel import Panel

TAG = "data"
MAX_RATIO = 5.0  # between levels, or spreads; more is another unit or a damaged file
MAX_GROWTH = 0.3  # of the share of zeros, and of the share of constant ends
MIN_LENGTH_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Numbers that describe all observations of a training.

    Attributes:
        points: number of observations.
        level: median over the series of their median absolute value.
        spread: median over the series of their interquartile range.
        zeros: share of zeros among the latest observations, a tenth of each series.
        constant: share of series whose latest tenth is one value, but not zero, as of
            a stuck sensor.
    """

    points: int
    level: float
    spread: float
    zeros: float
    constant: float = 0.0  # of versions that were registered without it

    @classmethod
    def of(cls, panel: Panel) -> Self:
        """Summarise a panel; levels are those of the latest tenth of each series."""
        ends = panel.offsets[1:]
        begins = ends - np.maximum(panel.lengths // 10, np.minimum(panel.lengths, 10))
        latest = [panel.values[b:e] for b, e in zip(begins, ends, strict=True)]
        level = np.median([np.median(np.abs(values)) for values in latest])
        spread = np.median([np.subtract(*np.percentile(v, [75, 25])) for v in latest])
        zeros = np.mean(np.concatenate(latest) == 0)
        constant = np.mean([v[0] != 0 and bool((v == v[0]).all()) for v in latest])
        numbers = map(float, (level, spread, zeros, constant))
        return cls(len(panel.values), *numbers)

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> Self | None:
        """Read the summary in the tags of a version; None without a sound one."""
        try:
            summary = cls(**json.loads(tags[TAG]))
            numbers = asdict(summary).values()
            return summary if all(map(math.isfinite, numbers)) else None
        except (LookupError, TypeError, ValueError, RecursionError):
            return None

    def to_tag(self) -> dict[str, str]:
        """Return the summary as a tag of a version."""
        return {TAG: json.dumps(asdict(self))}


def compare_data(old: DataSummary | None, new: DataSummary) -> str:
    """Describe suspicious changes of new series beside those of the champion.

    Returns:
        A clause for each finding; empty if nothing is, or without an old summary.
    """
    if old is None:
        return ""
    findings = [
        f"a {name} of {after:.4g} instead of {before:.4g}"
        for name, before, after in (
            ("level", old.level, new.level),
            ("spread", old.spread, new.spread),
        )
        if _differ(before, after)
    ]
    if new.zeros > old.zeros + MAX_GROWTH:
        findings.append(f"{new.zeros:.0%} zeros at the end instead of {old.zeros:.0%}")
    if new.constant > old.constant + MAX_GROWTH:
        findings.append(
            f"one repeated value at the end of {new.constant:.0%} of the series "
            f"instead of {old.constant:.0%}"
        )
    if new.points < MIN_LENGTH_RATIO * old.points:
        findings.append(f"{new.points} observations instead of {old.points}")
    return ", ".join(findings)


def _differ(before: float, after: float) -> bool:
    low, high = sorted((before, after))
    return low > 0 and high > MAX_RATIO * low
