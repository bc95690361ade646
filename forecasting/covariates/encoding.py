"""Which covariates there are, and how they become numbers.

Numbers are standardised, over all series, by the mean and the standard deviation of
their training parts. Text becomes codes: categories seen in the training parts count
from 1, all others are 0. Positions in the seasons are known covariates made from the
timestamps.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from forecasting.covariates.layout import Encoded, Layout
from forecasting.data.covariates import ROLES, Column, Role, as_text
from forecasting.data.panel import Panel
from forecasting.errors import InvalidValues, SettingError, join_shown
from forecasting.timestamps.cyclical import find_cycles, season_positions
from forecasting.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """One covariate, and how it becomes numbers.

    Attributes:
        name: of its column.
        role: ``past``, ``known`` or ``static``.
        categories: of a column of text, sorted; None for numbers.
        center, scale: of a column of numbers.
    """

    name: str
    role: Role
    categories: tuple[str, ...] | None = None
    center: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, name: str, role: Role, values: Column) -> Self:
        """Learn categories, or mean and deviation, from values of the training part."""
        if values.dtype == object:
            categories = tuple(np.unique(as_text(values)).tolist())
            return cls(name=name, role=role, categories=categories)
        center, scale = float(values.mean()), float(values.std())
        negligible = 1e-12 * max(abs(center), 1e-300)
        return cls(
            name=name,
            role=role,
            center=center,
            scale=scale if scale > negligible else 1.0,
        )

    def encode(self, values: Column) -> FloatArray:
        """Return numbers or codes for values of any shape.

        Raises:
            InvalidValues: values are text, where training saw numbers.
        """
        if self.categories is not None:
            places, found = pd.factorize(values.ravel())
            names = pd.Index(as_text(np.asarray(found)))
            codes = pd.Index(self.categories).get_indexer(names) + 1
            return codes[places].reshape(values.shape).astype(np.float64)
        if values.dtype == object:
            raise InvalidValues(
                self.name,
                [repr(values.flat[0])],
                "text where the model was trained on numbers",
                "Give numbers.",
            )
        return np.asarray((values - self.center) / self.scale)

    def decode(self, codes: IntArray) -> Column:
        """Return the text of codes; an unknown category is empty."""
        return np.array(["", *(self.categories or ())], dtype=object)[codes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariates:
    """All covariates of a forecaster, in the order of their columns.

    Attributes:
        columns: numbers before text, each past, known, static.
        cycles: of the seasons, whose positions are known covariates too.
    """

    columns: tuple[Covariate, ...] = ()
    cycles: tuple[str, ...] = ()

    @classmethod
    def fit(cls, panel: Panel, ends: IntArray, *, seasons: bool) -> Self:
        """Fit on the first ``ends[s]`` observations of each series.

        Args:
            panel: the series.
            ends: where their training parts end.
            seasons: whether to make covariates of the timestamps.

        Raises:
            InvalidValues: a static covariate changes within a series.
        """
        check_static(panel)
        seen = panel.until(ends)
        found = [
            Covariate.fit(name, panel.roles[name], values)
            for name, values in seen.covariates.items()
            if name in panel.roles
        ]
        found.sort(key=lambda c: (c.categories is not None, ROLES.index(c.role)))
        axis = (seen.calendar, seen.timestamps, seen.offsets)
        return cls(columns=tuple(found), cycles=find_cycles(*axis) if seasons else ())

    def __bool__(self) -> bool:
        return bool(self.columns or self.cycles)

    def names(self, role: Role) -> tuple[str, ...]:
        """Return the names of the covariates of a role."""
        return tuple(one.name for one in self.columns if one.role == role)

    def numbers(self) -> list[tuple[str, Role, slice]]:
        """Return name, role and columns of each number that a network reads.

        The target is not counted. A season's position is known, and two columns.
        """
        names = [(c.name, c.role, 1) for c in self.columns if c.categories is None]
        early = sum(role != "static" for _, role, _ in names)
        names[early:early] = [
            (f"position in the {cycle}", "known", 2) for cycle in self.cycles
        ]
        ends = accumulate(width for _, _, width in names)
        return [
            (name, role, slice(end - width, end))
            for (name, role, width), end in zip(names, ends, strict=True)
        ]

    @property
    def layout(self) -> Layout | None:
        """How many columns of each kind there are; None without any."""
        if not self:
            return None
        numbers = [one.role for one in self.columns if one.categories is None]
        codes: dict[str, list[int]] = {role: [] for role in ROLES}
        for one in self.columns:
            if one.categories is not None:
                codes[one.role].append(len(one.categories) + 1)
        return Layout(
            past=numbers.count("past"),
            known=numbers.count("known"),
            seasons=2 * len(self.cycles),
            static=numbers.count("static"),
            past_codes=tuple(codes["past"]),
            known_codes=tuple(codes["known"]),
            static_codes=tuple(codes["static"]),
        )

    def encode(self, values: Mapping[str, Column], moments: npt.NDArray[Any]) -> Tensor:
        """Return the columns of steps, ``(..., layout.width - 1)``, float32.

        Args:
            values: by name, ``(...)``.
            moments: their timestamps, ``(...)``.
        """
        parts = [one.encode(values[one.name])[..., None] for one in self.columns]
        if self.cycles:
            early = [c.categories is None and c.role != "static" for c in self.columns]
            parts.insert(sum(early), season_positions(moments, self.cycles))
        return torch.from_numpy(np.concatenate(parts, -1).astype(np.float32))

    def encode_panel(self, panel: Panel) -> Encoded | None:
        """Return the columns of every observation; None without covariates."""
        layout = self.layout
        if layout is None:
            return None
        return Encoded(self.encode(panel.covariates, panel.timestamps), layout)

    def to_plain(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"columns": [asdict(one) for one in self.columns], "cycles": self.cycles}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return what `to_plain` made plain."""
        columns = [
            Covariate(**{**one, "categories": _tuple(one["categories"])})
            for one in plain["columns"]
        ]
        return cls(columns=tuple(columns), cycles=tuple(plain["cycles"]))


def check_static(panel: Panel) -> None:
    """Refuse static covariates that change.

    Raises:
        InvalidValues: names the first series in which one does.
    """
    first = np.repeat(panel.offsets[:-1], panel.lengths)
    for name, role in panel.roles.items():
        column = panel.covariates[name]
        changed = np.flatnonzero(column != column[first])
        if role == "static" and len(changed):
            owners = np.searchsorted(panel.offsets, changed, side="right") - 1
            raise InvalidValues(
                name,
                [f"series {panel.series_ids[s]!r}" for s in np.unique(owners)],
                "a static covariate with several values",
                "Give one value for each series, or declare it past or known.",
            )


def check_strategy(strategy: str, past: tuple[str, ...]) -> None:
    """Refuse to feed forecasts back where past covariates would have to be, too.

    Raises:
        SettingError: the strategy is recursive and there are past covariates.
    """
    if strategy == "recursive" and past:
        raise SettingError(
            "strategy",
            strategy,
            f"direct or seq2seq with past covariates ({join_shown(past)}), whose future "
            "is not known",
        )


def go_on(panel: Panel, steps: int) -> Panel:
    """Return the panel with every known covariate staying as it last was.

    It is no forecast of them: a stand-in for trials and examples.
    """
    last = panel.offsets[1:] - 1
    known = {
        name: {
            series: np.full(steps, panel.covariates[name][at], dtype=object)
            for series, at in zip(panel.series_ids, last, strict=True)
        }
        for name, role in panel.roles.items()
        if role == "known"
    }
    return panel.with_future(known)


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
