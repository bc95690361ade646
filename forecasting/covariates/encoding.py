"""Encoding of covariates: numbers standardised, text as integer codes.

Numbers are standardised, over all series, by the mean and the standard deviation of
their training parts. Categories of the training parts have codes from 1, all others
have code 0. Positions in the seasons are known covariates computed from the
timestamps.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from forecasting.covariates.layout import EncodedCovariates, Layout
from forecasting.data.covariates import ROLES, Column, Role, as_text
from forecasting.data.panel import Panel
from forecasting.errors import InvalidValues, SettingError, join_shown
from forecasting.timestamps.cyclical import find_cycles, season_positions
from forecasting.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """Encoding of one covariate as numbers or codes.

    Attributes:
        name: name of its column.
        role: ``past``, ``known`` or ``static``.
        categories: of a column of text, sorted; None for numbers.
        center, scale: mean and standard deviation of a column of numbers.
    """

    name: str
    role: Role
    categories: tuple[str, ...] | None = None
    center: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, name: str, role: Role, values: Column) -> Self:
        """Fit categories, or mean and deviation, to values of the training part."""
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
        """Encode values of any shape as standardised numbers or codes.

        Raises:
            InvalidValues: values are text, but the training values were numbers.
        """
        if self.categories is not None:
            flat = values.ravel().tolist()
            distinct = np.array([*dict.fromkeys(flat)], dtype=object)
            names, codes = as_text(distinct), _codes(self.categories)
            encoded = dict(zip(distinct, (codes.get(n, 0) for n in names), strict=True))
            numbers = np.fromiter((encoded[v] for v in flat), np.float64, len(flat))
            return numbers.reshape(values.shape)
        if values.dtype == object:
            raise InvalidValues(
                self.name,
                [repr(values.flat[0])],
                "text where the model was trained on numbers",
                "Give numbers.",
            )
        return np.asarray((values - self.center) / self.scale)

    def unseen(self, values: Collection[Any]) -> list[str]:
        """Return a note on values that are no category of the training, if any."""
        if self.categories is None:
            return []
        names = as_text(np.array([*values], dtype=object))
        unknown = sorted({*names.tolist()} - {*self.categories})
        if not unknown:
            return []
        lower = {category.casefold(): category for category in self.categories}
        alike = [lower[n.casefold()] for n in unknown if n.casefold() in lower]
        text = f"{self.name!r}: {join_shown(map(repr, unknown))} not seen in training"
        if alike:
            text += f", where it is {join_shown(map(repr, alike))}"
        else:
            text += f", which has {join_shown(map(repr, self.categories))}"
        return [f"{text}; taken as unknown"]

    def decode(self, codes: IntArray) -> Column:
        """Decode codes to text, with empty text for an unknown category."""
        return np.array(["", *(self.categories or ())], dtype=object)[codes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariates:
    """Encoding of all covariates of a forecaster, in the order of their columns.

    Attributes:
        columns: numbers before text, each past, known, static.
        cycles: names of the seasonal cycles; the positions in them are known
            covariates too.
    """

    columns: tuple[Covariate, ...] = ()
    cycles: tuple[str, ...] = ()

    @classmethod
    def fit(cls, panel: Panel, ends: IntArray, *, seasons: bool) -> Self:
        """Fit on the first ``ends[s]`` observations of each series.

        Args:
            panel: the series.
            ends: lengths of their training parts, ``(series,)``.
            seasons: whether to derive covariates from the timestamps.

        Raises:
            InvalidValues: a static covariate changes within a series.
        """
        check_static(panel)
        training_part = panel.until(ends)
        columns = [
            Covariate.fit(name, panel.roles[name], values)
            for name, values in training_part.covariates.items()
            if name in panel.roles
        ]
        columns.sort(key=lambda c: (c.categories is not None, ROLES.index(c.role)))
        axis = (training_part.calendar, training_part.timestamps, training_part.offsets)
        return cls(columns=tuple(columns), cycles=find_cycles(*axis) if seasons else ())

    def __bool__(self) -> bool:
        return bool(self.columns or self.cycles)

    def names(self, role: Role) -> tuple[str, ...]:
        """Return the names of the covariates of a role."""
        return tuple(column.name for column in self.columns if column.role == role)

    def numbers(self) -> list[tuple[str, Role, slice]]:
        """Return name, role and columns of each number in the input of a network.

        The target is not counted. A position in a season has the role ``known`` and
        two columns.
        """
        names = [(c.name, c.role, 1) for c in self.columns if c.categories is None]
        num_dynamic = sum(role != "static" for _, role, _ in names)
        names[num_dynamic:num_dynamic] = [
            (f"position in the {cycle}", "known", 2) for cycle in self.cycles
        ]
        ends = accumulate(width for _, _, width in names)
        return [
            (name, role, slice(end - width, end))
            for (name, role, width), end in zip(names, ends, strict=True)
        ]

    @property
    def layout(self) -> Layout | None:
        """Number of columns of each kind; None without covariates."""
        if not self:
            return None
        numbers = [column.role for column in self.columns if column.categories is None]
        codes: dict[str, list[int]] = {role: [] for role in ROLES}
        for column in self.columns:
            if column.categories is not None:
                codes[column.role].append(len(column.categories) + 1)
        return Layout(
            past=numbers.count("past"),
            known=numbers.count("known"),
            seasons=2 * len(self.cycles),
            static=numbers.count("static"),
            past_codes=tuple(codes["past"]),
            known_codes=tuple(codes["known"]),
            static_codes=tuple(codes["static"]),
        )

    def unseen(self, panel: Panel, *, is_new: bool) -> list[str]:
        """Return notes on categories of a panel that were not seen in training.

        Args:
            panel: the series to forecast.
            is_new: whether its observations are new, and not only its future.
        """
        notes = []
        for column in self.columns:
            parts = [panel.covariates.get(column.name, ())] if is_new else []
            if column.name in panel.future:
                parts.append(panel.future[column.name].values)
            notes += column.unseen({value for part in parts for value in part})
        return notes

    def encode(self, values: Mapping[str, Column], moments: npt.NDArray[Any]) -> Tensor:
        """Encode the covariates of steps, ``(..., layout.width - 1)``, float32.

        Args:
            values: by name, ``(...)``.
            moments: wall times of the steps, ``(...)``.
        """
        parts = [
            column.encode(values[column.name])[..., None] for column in self.columns
        ]
        if self.cycles:
            is_dynamic = [
                c.categories is None and c.role != "static" for c in self.columns
            ]
            parts.insert(sum(is_dynamic), season_positions(moments, self.cycles))
        return torch.from_numpy(np.concatenate(parts, -1).astype(np.float32))

    def encode_panel(self, panel: Panel) -> EncodedCovariates | None:
        """Encode the covariates of every observation; None without covariates."""
        layout = self.layout
        if layout is None:
            return None
        moments = panel.calendar.wall_time(panel.timestamps)
        return EncodedCovariates(self.encode(panel.covariates, moments), layout)

    def to_plain(self) -> dict[str, Any]:
        """Return the encoding as plain values for JSON."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "cycles": self.cycles,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Build the encoding from the result of `to_plain`."""
        columns = [
            Covariate(**{**fields, "categories": _to_tuple(fields["categories"])})
            for fields in plain["columns"]
        ]
        return cls(columns=tuple(columns), cycles=tuple(plain["cycles"]))


@lru_cache(1024)
def _codes(categories: tuple[str, ...]) -> dict[str, int]:
    """Return the code of each category, from 1."""
    return {name: code for code, name in enumerate(categories, 1)}


def check_static(panel: Panel) -> None:
    """Check that static covariates are constant within each series.

    Raises:
        InvalidValues: one changes within a series; the message names these series.
    """
    first = np.repeat(panel.offsets[:-1], panel.lengths)
    for name, role in panel.roles.items():
        column = panel.covariates[name]
        changed = np.flatnonzero(column != column[first])
        if role == "static" and len(changed):
            series = np.searchsorted(panel.offsets, changed, side="right") - 1
            raise InvalidValues(
                name,
                [f"series {panel.series_ids[i]!r}" for i in np.unique(series)],
                "a static covariate with several values",
                "Give one value for each series, or declare it past or known.",
            )


RESERVED_NAMES = ("series_id", "timestamp", "target")  # columns of a model's input


def check_names(panel: Panel) -> None:
    """Check that no covariate has the name of another column of a model's input.

    Raises:
        SettingError: one has; the message gives its name.
    """
    for name in panel.roles:
        if name in RESERVED_NAMES:
            expected = (
                f"named other than {', '.join(RESERVED_NAMES)}, the further columns of "
                "a registered model's input: rename the column"
            )
            raise SettingError("a covariate", name, expected)


def check_strategy(strategy: str, past: tuple[str, ...]) -> None:
    """Check that the strategy can be used with past covariates.

    A recursive forecast would need their future values as inputs of later steps.

    Raises:
        SettingError: the strategy is recursive and there are past covariates.
    """
    if strategy == "recursive" and past:
        raise SettingError(
            "strategy",
            strategy,
            f"direct or seq2seq with past covariates ({join_shown(past)}), whose "
            "future is not known",
        )


def hold_known_covariates(panel: Panel, steps: int) -> Panel:
    """Return the panel with every known covariate held at its last value.

    This is no forecast of the covariates but a placeholder for trials and examples.
    """
    last = panel.offsets[1:] - 1
    last_values = {
        name: {
            series: np.full(steps, panel.covariates[name][position], dtype=object)
            for series, position in zip(panel.series_ids, last, strict=True)
        }
        for name, role in panel.roles.items()
        if role == "known"
    }
    return panel.with_future(last_values)


def _to_tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
