"""Panels: one series or many in one flat array, series after series.

A panel is checked once when it is built and trusted afterwards. Other modules refer to
its values by position: no window is copied or stored.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.covariates import (
    ROLES,
    BySeries,
    FutureValues,
    Role,
    join_covariates,
    join_future,
)
from forecasting.data.schema import Schema
from forecasting.errors import DataError, InvalidValues, UnknownSeries
from forecasting.timestamps.calendar import STEPS, Calendar, check_gaps
from forecasting.timestamps.inference import infer_calendar
from forecasting.timestamps.local_times import settle_zone
from forecasting.timestamps.parsing import parse_timestamps
from forecasting.types import FloatArray, IntArray

if TYPE_CHECKING:
    from forecasting.display.backends import Axes, Backend

GAPS_ADVICE = (
    "Give a value for every moment, or read the data with a policy for missing ones."
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Panel:
    """One series or many, oldest observation first, without missing values.

    Attributes:
        series_ids: names of the series, ``(series,)``.
        values: the target, original units, all series one after another, ``(points,)``.
        offsets: borders, ``(series + 1,)``: series ``s`` is
            ``values[offsets[s]:offsets[s + 1]]``.
        timestamps: ``datetime64[ns]``, in UTC where the calendar has a zone, or
            integer steps, ``(points,)``.
        calendar: the rule of the timestamps, which gives the future ones.
        target: name of the column that the values come from.
        covariates: further columns by name, ``(points,)`` each, not yet encoded.
        roles: role of each covariate: ``past``, ``known`` or ``static``.
        future: known covariates after the last observations, by name.
        schema: of the file or frame that the panel was read from.
        notes: guesses and repairs made while reading the data, for the user.

    >>> panel = Panel.from_values({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0]})
    >>> panel.lengths.tolist()
    [3, 2]
    >>> panel.series("b").tolist()
    [4.0, 5.0]
    """

    series_ids: tuple[str, ...]
    values: FloatArray
    offsets: IntArray
    timestamps: npt.NDArray[Any]
    calendar: Calendar = STEPS
    target: str = "target"
    covariates: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    future: Mapping[str, FutureValues] = field(default_factory=dict)
    schema: Schema = field(default_factory=Schema)
    notes: tuple[str, ...] = ()

    @classmethod
    def from_values(
        cls,
        values: Mapping[str, Sequence[float] | FloatArray],
        *,
        timestamps: Mapping[str, Sequence[Any] | npt.NDArray[Any]] | None = None,
        freq: str | None = None,
        zone: str | None = None,
        trained: Calendar | None = None,
        target: str = "target",
        past_covariates: BySeries | None = None,
        known_covariates: BySeries | None = None,
        static_covariates: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> "Panel":
        """Build a panel from values by series id, timestamps and covariates optional.

        Args:
            values: observations of each series, oldest first.
            timestamps: one for each value, dates (also as text) or integers, strictly
                increasing; without them, steps 1, 2, 3, ...
            freq: pandas alias of the frequency; None infers it.
            zone: time zone whose local times naive timestamps are; None leaves them
                naive.
            trained: calendar of a model, which the timestamps continue, instead of
                ``freq`` and ``zone``.
            target: name of the values.
            past_covariates: by name and series id, one value for each observation.
            known_covariates: the same, or more: the rest belongs to the steps ahead.
            static_covariates: by name and series id, one value each.

        Raises:
            InvalidValues: a value is missing or infinite.
            DataError: no series, an empty series, or not one timestamp for each value.
            InvalidTimestamps: a timestamp cannot be read.
            IrregularTimestamps, DuplicateTimestamps: the timestamps lie on no calendar,
                or lack moments of it.
            MissingCovariates: a covariate lacks a series, or values.
        """
        if not values:
            raise DataError("no series were given; give at least one.")
        arrays = {str(key): _to_array(str(key), row) for key, row in values.items()}
        lengths = [len(array) for array in arrays.values()]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        if timestamps is None:
            axis: npt.NDArray[Any] = np.concatenate(
                [np.arange(1, n + 1, dtype=np.int64) for n in lengths]
            )
            calendar = STEPS
        else:
            zone = zone if trained is None else trained.zone
            axis, zone = _join_timestamps(arrays, timestamps, zone)
            calendar = infer_calendar(
                axis, offsets, tuple(arrays), freq=freq, zone=zone, trained=trained
            )
            check_gaps(calendar, axis, offsets, tuple(arrays), GAPS_ADVICE)
        joined = join_covariates(
            dict(zip(arrays, lengths, strict=True)),
            past_covariates or {},
            known_covariates or {},
            static_covariates or {},
        )
        return cls(
            series_ids=tuple(arrays),
            values=np.concatenate(list(arrays.values())),
            offsets=offsets,
            timestamps=axis,
            calendar=calendar,
            target=target,
            covariates=joined.columns,
            roles=joined.roles,
            future=joined.future,
        )

    def __len__(self) -> int:
        return len(self.series_ids)

    def __repr__(self) -> str:
        from forecasting.data.cards import describe_panel

        return describe_panel(self)

    def _repr_html_(self) -> str:
        from forecasting.data.cards import panel_card

        return panel_card(self).to_html()

    def plot(
        self,
        series: str | Sequence[str] | None = None,
        *,
        last: int | None = None,
        ax: "Axes | None" = None,
        backend: "Backend" = "matplotlib",
    ) -> Any:
        """Draw series below each other; return the figure.

        Args:
            series: ids of the series to draw; default the first four.
            last: observations of each series that are drawn; None for all.
            ax: axes of matplotlib for a single series; default a new figure.
            backend: ``matplotlib``, or ``plotly`` where that is installed.

        Raises:
            UnknownSeries: the panel lacks a series.
            SettingError: the backend is not installed.
        """
        from forecasting.data.plotting import plot_series

        return plot_series(self, series=series, last=last, ax=ax, backend=backend)

    @property
    def lengths(self) -> IntArray:
        """Number of observations of each series, ``(series,)``."""
        return np.asarray(self.offsets[1:] - self.offsets[:-1])

    def series(self, series_id: str) -> FloatArray:
        """Return the observations of one series, oldest first (a view).

        Raises:
            UnknownSeries: the panel has no series of that name.
        """
        try:
            index = self.series_ids.index(series_id)
        except ValueError:
            raise UnknownSeries([series_id], self.series_ids) from None
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def last_timestamps(self) -> npt.NDArray[Any]:
        """Return the last timestamp of each series, ``(series,)``."""
        return self.timestamps[self.offsets[1:] - 1]

    def with_future(self, known: BySeries) -> "Panel":
        """Return the panel with known covariates of the steps after its end.

        Args:
            known: values by name and series id, nearest step first.

        Raises:
            DataError: the panel has no such known covariate, or no such series, or a
                value is missing.
        """
        ahead = join_future(self.series_ids, self.roles, known)
        return replace(self, future={**self.future, **ahead})

    def complete_schema(self) -> Schema:
        """Return the schema with target, frequency and covariates of this panel."""
        roles: dict[str, list[str]] = {f"{role}_covariates": [] for role in ROLES}
        for name, role in self.roles.items():
            roles[f"{role}_covariates"].append(name)
        text = [name for name, col in self.covariates.items() if col.dtype == object]
        return self.schema.override(
            {
                "target": self.schema.target or self.target,
                "freq": self.calendar.freq,
                "text": list(dict.fromkeys([*self.schema.text, *text])),
                **roles,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row an observation: ``series_id, timestamp, target``."""
        ids = np.repeat(np.asarray(self.series_ids, dtype=object), self.lengths)
        stamps: Any = self.timestamps
        if self.calendar.zone is not None:
            stamps = pd.DatetimeIndex(stamps, tz="UTC").tz_convert(self.calendar.zone)
        return pd.DataFrame(
            {"series_id": ids, "timestamp": stamps, "target": self.values}
        )

    def until(self, ends: IntArray) -> "Panel":
        """Return each series cut to its first ``ends[s]`` observations (a copy).

        The result holds nothing of the values after the cut.
        """
        return self.pieces(np.arange(len(self)), np.zeros_like(ends), ends)

    def select(self, series: IntArray) -> "Panel":
        """Return some of the series, by position (a copy)."""
        return self.pieces(series, np.zeros_like(series), self.lengths[series])

    def tail(self, length: int) -> "Panel":
        """Return the last ``length`` observations of each series, or all (a copy)."""
        begins = np.maximum(self.lengths - length, 0)
        return self.pieces(np.arange(len(self)), begins, self.lengths)

    def pieces(self, series: IntArray, begins: IntArray, ends: IntArray) -> "Panel":
        """Return a panel of pieces of series, which may overlap (a copy).

        A piece that reaches the end of its series keeps its future covariates.

        Args:
            series: position of the series of each piece, ``(pieces,)``.
            begins, ends: first observation of each piece and the one after its last,
                counted from the start of the series, ``(pieces,)``.
        """
        counts = ends - begins
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        first = self.offsets[series] + begins
        positions = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], counts)
        return replace(
            self,
            series_ids=tuple(self.series_ids[s] for s in series),
            values=self.values[positions],
            timestamps=self.timestamps[positions],
            offsets=offsets,
            covariates={
                name: column[positions] for name, column in self.covariates.items()
            },
            future={
                name: ahead.select(series, ends == self.lengths[series])
                for name, ahead in self.future.items()
            },
        )


def series_blocks(offsets: IntArray, points: int = 2**18) -> Iterator[slice]:
    """Yield runs of neighbouring series, each of few points or a single series.

    Work done by blocks needs memory for one block instead of for all series.

    Args:
        offsets: borders of the series, ``(series + 1,)``.
        points: maximum number of points in a block of several series.
    """
    begin, count = 0, len(offsets) - 1
    while begin < count:
        end = int(np.searchsorted(offsets, offsets[begin] + points, side="right")) - 1
        end = min(max(end, begin + 1), count)
        yield slice(begin, end)
        begin = end


def _to_array(name: str, values: Sequence[float] | FloatArray) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"series {name!r} must be a list of numbers; found {values!r:.60}."
        ) from None
    if array.ndim != 1 or len(array) == 0:
        raise DataError(
            f"series {name!r} must be a list of at least one number; "
            f"found an array of shape {array.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise InvalidValues(
            name,
            [f"position {i}" for i in bad],
            "NaN or infinity",
            "Send finite numbers only.",
        )
    return array


def _join_timestamps(
    arrays: Mapping[str, FloatArray],
    timestamps: Mapping[str, Sequence[Any] | npt.NDArray[Any]],
    zone: str | None,
) -> tuple[npt.NDArray[Any], str | None]:
    """Return the timestamps of all series, and their zone."""
    columns = []
    for name, array in arrays.items():
        stamps = timestamps.get(name, ())
        has_zone = isinstance(getattr(stamps, "dtype", None), pd.DatetimeTZDtype)
        column: Any = pd.Series(stamps) if has_zone else np.asarray(stamps)
        if len(column) != len(array):
            raise DataError(
                f"series {name!r} has {len(array)} values and {len(column)} "
                "timestamps; give one timestamp for each value."
            )
        columns.append(column)
    if any(isinstance(column, pd.Series) for column in columns):
        joined = pd.concat([*map(pd.Series, columns)], ignore_index=True)
    else:
        joined = pd.Series(np.concatenate(columns))
    if pd.api.types.is_integer_dtype(joined):
        return joined.to_numpy().astype(np.int64), None

    def where(at: int) -> str:
        names = np.repeat(list(arrays), [len(array) for array in arrays.values()])
        return f"place {at + 1} (series {str(names[at])!r})"

    times = parse_timestamps("timestamps", joined, where)
    series = np.repeat(np.arange(len(columns)), [*map(len, columns)])
    moments, zone, _ = settle_zone("timestamps", times, series, zone)
    return moments, zone
