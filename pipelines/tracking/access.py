"""Failures of an MLflow server in words for a person, and never with a password.

MLflow puts the tracking URI into its messages as it is: user and password included.
"""

import re

import mlflow
from mlflow.exceptions import MlflowException

from pipelines.errors import AccessDenied, InputError, TrackingError

UNKNOWN_USER, FORBIDDEN = 401, 403


MAX_SHOWN = 300  # letters of somebody else's message


def without_password(text: str) -> str:
    """Return a text as a message may show it: its URIs without passwords."""
    return re.sub(r"(://[^\s:/@]*:)(?!\d*/)\S*@", r"\1***@", text)


def first_line(error: BaseException) -> str:
    """Return an error in one short line without a password."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_password(lines[0])[:MAX_SHOWN]


def first_cause(error: BaseException) -> str:
    """Return in one line what started it: where the system said no, its words."""
    root, cause = error, error.__cause__ or error.__context__
    while cause is not None:
        root = cause if isinstance(cause, OSError) else root
        cause = cause.__cause__ or cause.__context__
    return first_line(root)


def check_access(error: BaseException) -> None:
    """Raise the answer of a server that does not let a user in, if the error is one.

    Raises:
        AccessDenied: it is.
    """
    status = _status(error)
    if status in (UNKNOWN_USER, FORBIDDEN):
        raise AccessDenied(_shown_uri(), status, _answer(error)) from error


def find_mendable(error: BaseException) -> InputError | None:
    """Return a failure of the server as an error that a person can mend.

    None if the error is something else, a mistake in the program for example.
    """
    try:
        check_access(error)
    except AccessDenied as denied:
        return denied
    unreachable = r"API request to \S+ failed with exception"
    if isinstance(error, MlflowException) and re.match(unreachable, str(error)):
        return TrackingError(_shown_uri(), first_cause(error))
    return None


def _shown_uri() -> str:
    return without_password(str(mlflow.get_tracking_uri()))


def _status(error: BaseException) -> int | None:
    """Return the status of the answer that an error tells of, None without one."""
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())
    status = getattr(getattr(error, "response", None), "status_code", None)
    return int(status) if status is not None else None


def _answer(error: BaseException) -> str:
    """Return the first line of what a server has answered."""
    line = first_line(error)
    body = re.search(r"(?:Response body: '|Response text: )(.*)", line)
    return body[1].rstrip("'.") if body else line
