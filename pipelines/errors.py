"""Errors of the jobs that the user can fix: one message, exit code 2.

    InputError
    ├── JobError            invalid job file; the message names the key by its path
    ├── TrackingError       the MLflow server or store does not answer
    ├── AccessDenied        the MLflow server refuses the user
    ├── UnknownModel        no such model, alias or version in the registry
    ├── StudyError          the database of a search cannot be used
    └── OutputError         a file cannot be written

`USER_ERRORS` adds the library's `DataError`, `SettingError`, `ArtifactError` and
`TrainingDiverged`.
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
    """Base class of errors in the user's input or environment."""


class JobError(InputError):
    """Invalid job file or job options.

    Args:
        source: path of the job file.
        problems: one sentence each, with the path of the key.
    """

    def __init__(self, source: object, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


class TrackingError(InputError):
    """The MLflow tracking server or store does not answer."""

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        super().__init__(
            f"MLflow at {uri} does not answer: {reason}. Start it, or set "
            "MLFLOW_TRACKING_URI to another one (sqlite:///mlflow.db needs no server)."
        )


class AccessDenied(InputError):
    """The MLflow server does not know the user, or refuses the operation.

    Args:
        uri: address of the server, without a password.
        status: HTTP status: 401 for an unknown user, 403 for a missing permission.
        response: message of the server.
    """

    def __init__(self, uri: str, status: int, response: str) -> None:
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
        super().__init__(f"MLflow at {uri} {problem} ({status}: {response}). {advice}")


class UnknownModel(InputError):
    """The registry holds no such model, alias or version.

    Args:
        reference: the model as the user wrote it.
        kind: the missing item: registered model, alias or version.
        existing: names or numbers of that kind that do exist.
    """

    def __init__(self, reference: str, kind: str, existing: Iterable[object]) -> None:
        self.reference = reference
        listing = join_shown(existing)
        missing = f"such {kind}; there is: {listing}" if listing else kind
        super().__init__(f"{reference}: there is no {missing}.")


class StudyError(InputError):
    """The database of a search's trials cannot be used."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        super().__init__(
            f"the search cannot be kept in {url}: {reason}. Give another database "
            "with --storage, for example sqlite:///recast-tune.db."
        )


class OutputError(InputError):
    """An output file cannot be written."""

    def __init__(
        self, path: object, reason: str, advice: str = "Choose another place."
    ) -> None:
        self.path = path
        super().__init__(f"{path} cannot be written: {reason}. {advice}")


class Interrupted(KeyboardInterrupt):
    """Raised on SIGTERM or Ctrl-C, so that open runs are ended before the process."""


USER_ERRORS = (InputError, DataError, SettingError, ArtifactError, TrainingDiverged)
