"""Parts of an inspection, as plain values: columns, series, training, questions."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFinding:
    """A column of a file and its use.

    Attributes:
        name: of the column.
        role: ``time``, ``target``, ``series id``, ``past``, ``known`` or ``static``;
            empty for a column that is not used.
        kind: ``dates``, ``numbers``, ``text`` or ``empty``.
        example: its first value.
        reason: why it has the role, or how to give it one.
    """

    name: str
    role: str
    kind: str
    example: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFinding:
    """Series of a file.

    Attributes:
        ids: the first names.
        count: number of series.
        points: number of observations.
        shortest, median, longest: length of series, in observations.
        first, last: earliest and latest timestamp.
        frequency: pandas alias; None for numbered steps.
        zone: time zone of the timestamps; None without one.
        filled: moments that were missing and have been filled.
        calendar_season: steps of the usual season of the frequency; 1 for none.
        seasons: lags at which the values repeat, strongest first.
    """

    ids: tuple[str, ...]
    count: int
    points: int
    shortest: int
    median: int
    longest: int
    first: str
    last: str
    frequency: str | None
    zone: str | None
    filled: int
    calendar_season: int
    seasons: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFinding:
    """Result of a training's choices on the series.

    Attributes:
        seq_len: observations that a forecast reads.
        horizon: steps ahead.
        folds: cutoffs of the backtest; 0 if no series is long enough.
        first_cutoff: last timestamp before the backtest; None without one.
        left_out: first names of the series that are too short for a window and a test.
        left_out_count: number of these.
        problem: reason why there can be no training; None if there can.
    """

    seq_len: int
    horizon: int
    folds: int
    first_cutoff: str | None
    left_out: tuple[str, ...]
    left_out_count: int
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A file as it is read.

    Attributes:
        source: path of the file.
        columns: in the order of the file.
        series: None while a question is open.
        training: None while a question is open.
        rows: the first observations as they were read, a mapping a row.
        notes: guesses and repairs.
        questions: errors that reading would end with, each with the option that
            answers it.
    """

    source: str
    columns: tuple[ColumnFinding, ...]
    series: SeriesFinding | None
    training: TrainingFinding | None
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    questions: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return the inspection as plain values for JSON."""
        return asdict(self)

    def summary(self) -> list[str]:
        """Return the series, their columns and the training, a line each."""
        if self.series is None or self.training is None:
            return list(self.questions)
        return [
            describe_series(self.series),
            describe_columns(self.columns),
            describe_training(self.training),
        ]


def describe_series(series: SeriesFinding) -> str:
    """Describe the series in one line."""
    lengths = f"{series.shortest} to {series.longest}"
    if series.shortest == series.longest:
        lengths = str(series.longest)
    count = f"{series.count} series" if series.count > 1 else "one series"
    line = f"{count} of {lengths} observations, {series.first} to {series.last}"
    line += f", frequency {series.frequency}" if series.frequency else ", by steps"
    if series.zone:
        line += f", zone {series.zone}"
    if series.filled:
        line += f", {series.filled} missing moments filled"
    return f"{line}, season {describe_seasons(series)}"


def describe_seasons(series: SeriesFinding) -> str:
    """Describe the season of the frequency and those of the values."""
    usual = str(series.calendar_season) if series.calendar_season > 1 else "none"
    if not series.seasons:
        return usual
    return f"{usual} (values repeat after {', '.join(map(str, series.seasons))})"


def describe_columns(columns: tuple[ColumnFinding, ...]) -> str:
    """Describe the roles of the columns in one line, with the reasons of guesses."""
    used = [column for column in columns if column.role]
    roles = [
        f"{column.role} {column.name!r} ({column.reason})"
        if column.reason and column.reason != REQUESTED
        else f"{column.role} {column.name!r}"
        for column in used
    ]
    unused = [repr(column.name) for column in columns if not column.role]
    line = ", ".join(roles)
    return line + (f"; not used: {', '.join(unused)}" if unused else "")


def describe_training(training: TrainingFinding) -> str:
    """Describe the training in one line."""
    if training.problem is not None:
        return f"training: not possible: {training.problem}"
    folds = f"{training.folds} cutoff{'s' * (training.folds > 1)}"
    line = (
        f"training: reads {training.seq_len} observations, forecasts "
        f"{training.horizon} steps, tested at {folds} after {training.first_cutoff}"
    )
    if training.left_out_count:
        names = ", ".join(map(repr, training.left_out))
        line += f"; {training.left_out_count} too short: {names}"
    return line


REQUESTED = "as requested"
