"""Errors of the jobs that the user can fix: one message, exit code 2.

    InputError
    ├── JobError            invalid job file; the message names the key by its path
    ├── BatchError          jobs of a batch that cannot be run; no job has started
    ├── TrackingError       the MLflow server or store does not answer
    ├── AccessDenied        the MLflow server refuses the user
    ├── StudyError          the database of a search cannot be used
    ├── ClusterError        the Ray cluster does not answer
    └── OutputError         a file cannot be written

`USER_ERRORS` adds the registry's `UnknownModel` and the library's `DataError`,
`SettingError`, `ArtifactError`, `CheckpointError` and `TrainingDiverged`.
"""

from collections.abc import Iterable

from forecasting.errors import (
    ArtifactError,
    CheckpointError,
    DataError,
    SettingError,
    TrainingDiverged,
)
from model_registry.errors import RegistryError


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


class BatchError(InputError):
    """Jobs of a batch that cannot be run; no job has started.

    Args:
        problems: one sentence each, with the file.
    """

    MAX_SHOWN = 20

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        shown = [f"- {problem}" for problem in self.problems[: self.MAX_SHOWN]]
        rest = len(self.problems) - len(shown)
        shown += [f"- and {rest} more"] if rest else []
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            "\n".join([f"{count} {noun}, so that no job was started:", *shown])
        )


class TrackingError(InputError):
    """The MLflow tracking server does not answer, or a store cannot be used.

    Args:
        uri: address of the server or store, without a password.
        reason: first line of the error.
    """

    def __init__(self, uri: str, reason: str) -> None:
        self.uri = uri
        problem, advice = (
            "does not answer",
            "Start it, or set MLFLOW_TRACKING_URI to another one (sqlite:///mlflow.db "
            "needs no server).",
        )
        if uri.startswith("sqlite"):
            problem, advice = (
                "cannot be used",
                "Look for room on its disk and for the right to write there, or set "
                "MLFLOW_TRACKING_URI to another place (sqlite:////FOLDER/mlflow.db).",
            )
        super().__init__(f"MLflow at {uri} {problem}: {reason}. {advice}")


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


class StudyError(InputError):
    """The database of a search's trials cannot be used."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        super().__init__(
            f"the search cannot be kept in {url}: {reason}. Give another database "
            "with --storage, for example sqlite:///recast-tune.db."
        )


class ClusterError(InputError):
    """The Ray cluster does not answer.

    Args:
        address: of its head node, as the user wrote it.
        reason: in words.
    """

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        super().__init__(
            f"the Ray cluster at {address} does not answer: {reason}. Start it with "
            "`ray start --head`, run this command on one of its machines and give "
            "--ray HOST:PORT of its head node; or use this machine alone: --ray local."
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


USER_ERRORS = (
    InputError,
    RegistryError,
    DataError,
    SettingError,
    ArtifactError,
    CheckpointError,
    TrainingDiverged,
)
