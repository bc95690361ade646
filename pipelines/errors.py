"""Errors of the jobs that the user can mend: one message, exit code 2.

    InputError
    ├── JobError            the job file is wrong; the key is named by its path
    ├── TrackingError       the MLflow server or store does not answer
    ├── AccessDenied        the MLflow server does not let this user do it
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
    join_shown,
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


class AccessDenied(InputError):
    """The MLflow server does not know this user, or does not let it do this.

    Args:
        uri: of the server, without a password.
        status: 401, it does not know the user; 403, the user may not do this.
        found: the words of the server.
    """

    def __init__(self, uri: str, status: int, found: str) -> None:
        self.uri, self.status = uri, status
        problem, advice = {
            401: (
                "asks for a user and a password that it knows",
                "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
                "(or MLFLOW_TRACKING_TOKEN), and look for a typing error in them.",
            ),
            403: (
                "does not allow this",
                "Ask whoever runs the server for the permission, or set another "
                "name with --name or another user in MLFLOW_TRACKING_USERNAME.",
            ),
        }[status]
        super().__init__(f"MLflow at {uri} {problem} ({status}: {found}). {advice}")


class UnknownModel(InputError):
    """No such model, alias or version in the registry."""

    def __init__(self, reference: str, what: str, known: Iterable[object]) -> None:
        self.reference = reference
        there = join_shown(known)
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
