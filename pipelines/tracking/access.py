"""Translates failures of an MLflow server into user errors without passwords.

MLflow's messages contain the tracking URI unchanged, with user and password.
"""

import re

import mlflow
from mlflow.exceptions import MlflowException

from pipelines.errors import AccessDenied, InputError, TrackingError

UNKNOWN_USER_STATUS, FORBIDDEN_STATUS = 401, 403
MAX_SHOWN_CHARACTERS = 300  # of a message of MLflow or a driver


def without_password(text: str) -> str:
    """Mask the passwords of the URIs in a text."""
    return re.sub(r"(://[^\s:/@]*:)(?!\d*/)\S*@", r"\1***@", text)


def first_line(error: BaseException) -> str:
    """Return the first line of an error, shortened and without passwords."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_password(lines[0])[:MAX_SHOWN_CHARACTERS]


def root_cause(error: BaseException) -> str:
    """Return the first line of the earliest OSError in a chain, else of the error."""
    root, cause = error, error.__cause__ or error.__context__
    while cause is not None:
        root = cause if isinstance(cause, OSError) else root
        cause = cause.__cause__ or cause.__context__
    return first_line(root)


def check_access(error: BaseException) -> None:
    """Raise AccessDenied if the error is a server's refusal of the user.

    Raises:
        AccessDenied: the server answered 401 or 403.
    """
    status = _status(error)
    if status in (UNKNOWN_USER_STATUS, FORBIDDEN_STATUS):
        raise AccessDenied(_shown_uri(), status, _answer(error)) from error


def find_user_error(error: BaseException) -> InputError | None:
    """Return a failure of the MLflow server as a user error.

    None if the error is of another kind, for example a bug in the program.
    """
    try:
        check_access(error)
    except AccessDenied as denied:
        return denied
    unreachable = r"API request to \S+ failed with exception"
    if isinstance(error, MlflowException) and re.match(unreachable, str(error)):
        return TrackingError(_shown_uri(), root_cause(error))
    return None


def _shown_uri() -> str:
    return without_password(str(mlflow.get_tracking_uri()))


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of the response behind an error; None without one."""
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())
    status = getattr(getattr(error, "response", None), "status_code", None)
    return int(status) if status is not None else None


def _answer(error: BaseException) -> str:
    """Return the first line of the server's response behind an error."""
    line = first_line(error)
    body = re.search(r"(?:Response body: '|Response text: )(.*)", line)
    return body[1].rstrip("'.") if body else line
