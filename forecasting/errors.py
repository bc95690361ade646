"""Every error that the library raises on purpose.

    ForecastingError                catch this one to catch them all
    ├── DataError                   the series that were given cannot be used
    │   ├── UnreadableData          no file, empty, not a CSV
    │   ├── MissingColumns          a column was asked for that is not there
    │   ├── AmbiguousColumns        several columns could be meant
    │   ├── InvalidValues           text, infinities, or signs a model cannot take
    │   ├── MissingValues           gaps in the values, under the policy "error"
    │   ├── InvalidTimestamps       dates that cannot be read in one way only
    │   ├── DuplicateTimestamps     two rows for one moment of one series
    │   ├── IrregularTimestamps     gaps in the calendar, under the policy "error"
    │   ├── SeriesTooShort          fewer points than the windows need
    │   ├── MissingCovariates       covariates that a model or its horizon needs
    │   └── UnknownSeries           a series id that the model has never seen
    ├── SettingError                a setting has a value that makes no sense
    ├── ShapeError                  an array has another shape than it must have
    ├── NotFittedError              a forecast was asked of an untrained model
    ├── TrainingDiverged            the loss became infinite or NaN
    └── ArtifactError               a saved model is missing, damaged or too new

A message names what is wrong, where, what was expected, what was found and what to
do. `DataError` and `SettingError` are `ValueError` too, so that code that knows
nothing of this module can catch them.
"""

from collections.abc import Iterable

SHOWN = 5  # how many offenders a message lists before it counts the rest


def join_shown(items: Iterable[object], total: int | None = None) -> str:
    """Name the first five of ``items``, and count them: ``a, b, ... (12 in all)``."""
    first = list(items)
    count = len(first) if total is None else total
    text = ", ".join(str(item) for item in first[:SHOWN])
    return text if count <= SHOWN else f"{text}, ... ({count} in all)"


class ForecastingError(Exception):
    """Base of every error in this module."""


class DataError(ForecastingError, ValueError):
    """The series that were given cannot be used as they are."""


class UnreadableData(DataError):
    """A source of data that is not there, is empty or is not a CSV."""

    def __init__(self, source: object, found: str, advice: str) -> None:
        self.source = source
        super().__init__(f"{source}: {found}. {advice}")


class MissingColumns(DataError):
    """A column was asked for that the data do not have."""

    def __init__(self, missing: Iterable[str], present: Iterable[str]) -> None:
        self.missing, self.present = tuple(missing), tuple(present)
        super().__init__(
            f"no column {join_shown(map(repr, self.missing))}: "
            f"the columns are {', '.join(map(repr, self.present))}. "
            "Name one of these (column names are case-sensitive)."
        )


class AmbiguousColumns(DataError):
    """Several columns, or none, could play a role that nobody assigned."""

    def __init__(
        self, role: str, candidates: Iterable[str], present: Iterable[str], option: str
    ) -> None:
        self.role, self.candidates = role, tuple(candidates)
        found = (
            f"{len(self.candidates)} columns could be it "
            f"({', '.join(map(repr, self.candidates))})"
            if self.candidates
            else f"no column could be it (there are {', '.join(map(repr, present))})"
        )
        super().__init__(f"which column is the {role}? {found}. Say it with {option}.")


class InvalidValues(DataError):
    """Values that are no finite numbers, or that a model cannot take."""

    def __init__(
        self, column: str, where: Iterable[str], found: str, advice: str
    ) -> None:
        self.column, self.where = column, tuple(where)
        super().__init__(
            f"column {column!r}: {found} at {join_shown(self.where)}. {advice}"
        )


class MissingValues(DataError):
    """Missing values where the policy is to refuse them, or nothing can fill them."""

    ADVICE = (
        "Fill them, or choose how they are filled with missing: interpolate, forward "
        "or mean."
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
    """Timestamps that cannot be read, or can be read in two ways."""

    def __init__(self, column: str, found: str, advice: str) -> None:
        self.column = column
        super().__init__(f"column {column!r}: {found}. {advice}")


class DuplicateTimestamps(DataError):
    """Two rows for one moment of one series."""

    def __init__(self, where: Iterable[str], total: int, advice: str) -> None:
        self.total = total
        super().__init__(
            f"{total} timestamp{'s' * (total != 1)} more than once: "
            f"{join_shown(where, total)}. {advice}"
        )


class IrregularTimestamps(DataError):
    """Gaps in the calendar where the policy is to refuse them, or no calendar."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"{found}. {advice}")


class SeriesTooShort(DataError):
    """A series with fewer points than the windows need."""

    def __init__(
        self, series: Iterable[tuple[str, int]], required: int, reason: str
    ) -> None:
        self.series, self.required = tuple(series), required
        names = join_shown(f"{name!r} has {length}" for name, length in self.series)
        super().__init__(
            f"series too short: {names}; at least {required} points are needed "
            f"({reason}). Give more history, or a smaller seq_len or horizon."
        )


class MissingCovariates(DataError):
    """Covariates that are missing, or do not reach far enough."""

    ADVICE = "Give them, or a shorter horizon."

    def __init__(
        self,
        role: str,
        name: str,
        series_id: str,
        expected: str,
        found: str,
        advice: str = ADVICE,
    ) -> None:
        self.found = (role, name, series_id, expected, found)
        super().__init__(
            f"{role} covariate {name!r} of series {series_id!r}: expected {expected}; "
            f"found {found}. {advice}"
        )

    def advise(self, advice: str) -> "MissingCovariates":
        """Return the same error with other advice."""
        return MissingCovariates(*self.found, advice)


class UnknownSeries(DataError):
    """A series id that is not among those at hand."""

    def __init__(self, unknown: Iterable[str], known: Iterable[str]) -> None:
        self.unknown = tuple(unknown)
        super().__init__(
            f"unknown series {join_shown(map(repr, self.unknown))}; "
            f"known are {join_shown(map(repr, known))}. Check the ids."
        )


class SettingError(ForecastingError, ValueError):
    """A setting whose value makes no sense."""

    def __init__(self, setting: str, found: object, expected: str) -> None:
        self.setting, self.found, self.expected = setting, found, expected
        super().__init__(f"{setting} must be {expected}; found {found!r}.")


class ShapeError(ForecastingError, ValueError):
    """An array that has another shape than it must have."""

    def __init__(
        self, name: str, found: tuple[int, ...], expected: tuple[object, ...]
    ) -> None:
        self.name, self.found, self.expected = name, found, expected
        wanted = ", ".join(map(str, expected))
        super().__init__(f"{name} must have the shape ({wanted}); found {found}.")


class NotFittedError(ForecastingError):
    """A forecast was asked of a model that has not been trained."""

    def __init__(self, model: str) -> None:
        super().__init__(f"this {model} has not been trained: call fit first.")


class TrainingDiverged(ForecastingError):
    """The loss became infinite or NaN."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            f"training diverged: the loss is no finite number in epoch {epoch}. "
            "Lower training.learning_rate, or set training.clip_norm."
        )


class ArtifactError(ForecastingError):
    """A saved model that is missing, damaged or of a later format."""

    def __init__(self, path: object, found: str, advice: str) -> None:
        self.path, self.found, self.advice = path, found, advice
        super().__init__(f"model {path}: {found}. {advice}")
