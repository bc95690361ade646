"""Errors of the jobs that the user can mend: one message, exit code 2.

    InputError
    ├── JobError            the job file is wrong; the key is named by its path
    ├── TrackingError       the MLflow server or store does not answer
    ├── UnknownModel        no such model, alias or version in the registry
    ├── StudyError          the store of the searches cannot be used
    └── OutputError         a file cannot be written

The library's own `DataError`, `SettingError`, `ArtifactError` and `TrainingDiverged`
count as such too.
"""

from collections.abc import Iterable

from forecasting.errors import (
    ArtifactError,
    DataError,
    SettingError,
    TrainingDiverged,
    listed,
)


class InputError(Exception):
    """What was asked for cannot be done as it was asked."""


class JobError(InputError):
    """A job file, or the options that stand for one, that cannot be used."""

    def __init__(self, source: object, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


class TrackingError(InputError):
    """The MLflow tracking server or store does not answer."""

    def __init__(self, uri: str, found: str) -> None:
        self.uri = uri
        super().__init__(
            f"MLflow at {uri} does not answer: {found}. Start it, or set "
            "MLFLOW_TRACKING_URI to another one (sqlite:///mlflow.db needs no server)."
        )


class UnknownModel(InputError):
    """No such model, alias or version in the registry."""

    def __init__(self, reference: str, what: str, known: Iterable[object]) -> None:
        self.reference = reference
        there = listed(known)
        found = f"such {what}; there is: {there}" if there else what
        super().__init__(f"{reference}: there is no {found}.")


class StudyError(InputError):
    """The store that keeps a search's trials cannot be used."""

    def __init__(self, url: str, found: str) -> None:
        self.url = url
        super().__init__(
            f"the search cannot be kept in {url}: {found}. Give another database "
            "with --storage, for example sqlite:///recast-tune.db."
        )


class OutputError(InputError):
    """A file that was asked for cannot be written."""

    def __init__(self, path: object, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be written: {reason}. Choose another place.")


class Interrupted(KeyboardInterrupt):
    """SIGTERM or Ctrl-C: end what is open, then the process."""


MENDABLE = (InputError, DataError, SettingError, ArtifactError, TrainingDiverged)
