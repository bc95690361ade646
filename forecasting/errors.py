"""Exceptions of the library, in one tree.

    ForecastingError                the base class of all of them
    ├── DataError                   the input series cannot be used
    │   ├── UnreadableData          no file, empty, not a CSV
    │   ├── MissingColumns          a requested column is not in the data
    │   ├── AmbiguousColumns        several columns fit one role
    │   ├── InvalidValues           text, infinities, or signs a model cannot take
    │   ├── MissingValues           gaps in the values, under the policy "error"
    │   ├── InvalidTimestamps       dates that are unreadable or ambiguous
    │   ├── DuplicateTimestamps     two rows of one series with one timestamp
    │   ├── IrregularTimestamps     gaps in the calendar, under the policy "error"
    │   ├── SeriesTooShort          fewer points than the windows need
    │   ├── MissingCovariates       covariates that a model or its horizon needs
    │   ├── UnknownSeries           a series id outside the model or the panel
    │   ├── InvalidSeries           series that cannot be classified or labelled
    │   ├── InvalidLabels           one class only, or two labels of one series
    │   └── UnknownSymbols          symbols, or labels, that the training did not have
    ├── SettingError                a setting has an invalid value
    ├── ShapeError                  an array has the wrong shape
    ├── NotFittedError              an untrained model was used to forecast
    ├── TrainingDiverged            the loss became infinite or NaN
    ├── SeriesFailed                the model of one series could not be trained
    ├── ProcessDied                 a process that trained a block of series is gone
    ├── CheckpointError             a checkpoint is damaged or of another training
    └── ArtifactError               a saved model is missing, damaged or too new

A message names the problem, its place, the expected and the actual value, and a
remedy. `DataError` and `SettingError` are `ValueError` too, so that code without
access to this module can catch them.
"""

from collections.abc import Iterable

MAX_SHOWN = 5  # items that a message lists; it counts the rest


def join_shown(items: Iterable[object], total: int | None = None) -> str:
    """List the first five of ``items`` and their number: ``a, b, ... (12 in all)``."""
    first = list(items)
    count = len(first) if total is None else total
    text = ", ".join(str(item) for item in first[:MAX_SHOWN])
    return text if count <= MAX_SHOWN else f"{text}, ... ({count} in all)"


class ForecastingError(Exception):
    """Base class of every error in this module."""


class DataError(ForecastingError, ValueError):
    """Input series that cannot be used as they are."""


class UnreadableData(DataError):
    """A data source that does not exist, is empty or is not a CSV."""

    def __init__(self, source: object, problem: str, advice: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}. {advice}")


class MissingColumns(DataError):
    """A requested column that the data do not have."""

    ADVICE = "Name one of these (column names are case-sensitive)."

    def __init__(
        self, missing: Iterable[str], present: Iterable[str], advice: str = ADVICE
    ) -> None:
        self.missing, self.present = tuple(missing), tuple(present)
        super().__init__(
            f"no column {join_shown(map(repr, self.missing))}: "
            f"the columns are {', '.join(map(repr, self.present))}. {advice}"
        )


class AmbiguousColumns(DataError):
    """Several columns, or none, fit a role that has no assigned column."""

    def __init__(
        self, role: str, candidates: Iterable[str], present: Iterable[str], option: str
    ) -> None:
        self.role, self.candidates = role, tuple(candidates)
        count = len(self.candidates)
        candidates_text = (
            f"{count} column{'s' * (count > 1)} could be it "
            f"({', '.join(map(repr, self.candidates))})"
            if self.candidates
            else f"no column could be it (there are {', '.join(map(repr, present))})"
        )
        super().__init__(
            f"which column is the {role}? {candidates_text}. Say it with {option}."
        )


class InvalidValues(DataError):
    """Values that are not finite numbers, or that a model cannot use."""

    def __init__(
        self, column: str, where: Iterable[str], problem: str, advice: str
    ) -> None:
        self.column, self.where = column, tuple(where)
        super().__init__(
            f"column {column!r}: {problem} at {join_shown(self.where)}. {advice}"
        )


class MissingValues(DataError):
    """Missing values that the policy refuses, or that no policy can fill."""

    ADVICE = (
        "Fill them, or choose how they are filled with --missing or data.missing: "
        "interpolate, forward, mean or zero."
    )

    def __init__(
        self, column: str, where: Iterable[str], total: int, advice: str = ADVICE
    ) -> None:
        self.column, self.total = column, total
        super().__init__(
            f"column {column!r}: {total} missing value{'s' * (total != 1)} at "
            f"{join_shown(where, total)}. {advice}"
        )


class InvalidTimestamps(DataError):
    """Timestamps that cannot be read, or that are ambiguous."""

    def __init__(self, column: str, problem: str, advice: str) -> None:
        self.column = column
        super().__init__(f"column {column!r}: {problem}. {advice}")


class DuplicateTimestamps(DataError):
    """Two rows of one series with the same timestamp."""

    def __init__(self, where: Iterable[str], total: int, advice: str) -> None:
        self.where, self.total = tuple(where), total
        super().__init__(
            f"{total} timestamp{'s' * (total != 1)} more than once: "
            f"{join_shown(self.where, total)}. {advice}"
        )


class IrregularTimestamps(DataError):
    """Timestamps with gaps that the policy refuses, or without a calendar."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")


class SeriesTooShort(DataError):
    """A series with fewer points than the windows need."""

    ADVICE = (
        "Give more history, or a smaller seq_len or horizon (--seq-len, --horizon) or "
        "fewer folds (--folds)."
    )

    def __init__(
        self,
        series: Iterable[tuple[str, int]],
        required: int,
        reason: str,
        advice: str = ADVICE,
    ) -> None:
        self.series, self.required = tuple(series), required
        names = join_shown(f"{name!r} has {length}" for name, length in self.series)
        super().__init__(
            f"series too short: {names}; at least {required} points are needed "
            f"({reason}). {advice}"
        )


class MissingCovariates(DataError):
    """Covariates that are missing, or end before the horizon."""

    ADVICE = "Give them, or a shorter horizon."

    def __init__(
        self,
        role: str,
        name: str,
        series_id: str,
        expected: str,
        actual: str,
        advice: str = ADVICE,
    ) -> None:
        self.details = (role, name, series_id, expected, actual)
        super().__init__(
            f"{role} covariate {name!r} of series {series_id!r}: expected {expected}; "
            f"found {actual}. {advice}"
        )

    def advise(self, advice: str) -> "MissingCovariates":
        """Return the same error with other advice."""
        return MissingCovariates(*self.details, advice)


class UnknownSeries(DataError):
    """A series id that the model or the panel does not have."""

    ADVICE = "Check the ids."

    def __init__(
        self, unknown: Iterable[str], available: Iterable[str], advice: str = ADVICE
    ) -> None:
        self.unknown = tuple(unknown)
        super().__init__(
            f"unknown series {join_shown(map(repr, self.unknown))}; "
            f"known are {join_shown(map(repr, available))}. {advice}"
        )


class InvalidSeries(DataError):
    """Series that cannot be classified, labelled or continued."""

    def __init__(self, where: str, problem: str, advice: str) -> None:
        self.where = where
        super().__init__(f"{where}: {problem}. {advice}")


class InvalidLabels(DataError):
    """Labels from which nothing can be learnt."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")


class UnknownSymbols(DataError):
    """Symbols, or labels, that the training did not have."""

    def __init__(
        self,
        kind: str,
        unknown: Iterable[object],
        known_values: Iterable[object],
        advice: str,
    ) -> None:
        self.unknown = tuple(unknown)
        super().__init__(
            f"unknown {kind} {join_shown(map(repr, self.unknown))}; the training had "
            f"{join_shown(map(repr, known_values))}. {advice}"
        )


class SettingError(ForecastingError, ValueError):
    """A setting with an invalid value."""

    def __init__(self, setting: str, value: object, expected: str) -> None:
        self.setting, self.value, self.expected = setting, value, expected
        super().__init__(f"{setting} must be {expected}; found {value!r}.")


class ShapeError(ForecastingError, ValueError):
    """An array with the wrong shape."""

    def __init__(
        self, name: str, shape: tuple[int, ...], expected: tuple[object, ...]
    ) -> None:
        self.name, self.shape, self.expected = name, shape, expected
        sizes = ", ".join(map(str, expected))
        super().__init__(f"{name} must have the shape ({sizes}); found {shape}.")


class NotFittedError(ForecastingError):
    """A forecast by a model that has not been trained."""

    def __init__(self, model: str) -> None:
        super().__init__(f"this {model} has not been trained: call fit first.")


class TrainingDiverged(ForecastingError):
    """A training in which the loss became infinite or NaN."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            f"training diverged: the loss is no finite number in epoch {epoch}. "
            "Lower training.learning_rate, or set training.clip_norm."
        )


class SeriesFailed(ForecastingError):
    """A model of one series, of many, that could not be trained."""

    def __init__(self, series_id: str, reason: str) -> None:
        self.series_id, self.reason = series_id, reason
        super().__init__(series_id, reason)  # it crosses processes

    def __str__(self) -> str:
        return (
            f"series {self.series_id!r}: its model could not be trained: {self.reason} "
            "Leave the series out, or train one model of all series (for_each: null)."
        )


class ProcessDied(ForecastingError):
    """A process that trained a block of series ended without a result."""

    def __init__(self) -> None:
        super().__init__(
            "a process that trained a block of series was killed, or out of memory. "
            "Train again with --resume, with fewer processes: LOKY_MAX_CPU_COUNT=1."
        )


class CheckpointError(ForecastingError):
    """A checkpoint that is damaged, or of another training."""

    def __init__(self, path: object, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(
            f"checkpoint {path}: {problem}. Delete it to train from the start, or "
            "resume with the job, the data and the version that wrote it."
        )


class ArtifactError(ForecastingError):
    """A saved model that is missing, damaged or of a later format."""

    def __init__(self, path: object, problem: str, advice: str) -> None:
        self.path, self.problem, self.advice = path, problem, advice
        super().__init__(f"model {path}: {problem}. {advice}")
