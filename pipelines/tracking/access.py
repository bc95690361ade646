"""Translates failures of an MLflow server into user errors without passwords.

MLflow's messages contain the tracking URI unchanged, with user and password.
"""

import errno
import re
from collections.abc import Iterator

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from model_registry.addresses import without_password
from pipelines.errors import AccessDenied, InputError, OutputError, TrackingError

UNKNOWN_USER_STATUS, FORBIDDEN_STATUS = 401, 403
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
DISK_ADVICE = "Make room and look at the disk, then run the command again."
MAX_SHOWN_CHARACTERS = 300  # of a message of MLflow or a driver


def first_line(error: BaseException) -> str:
    """Return the first line of an error, shortened and without passwords."""
    if isinstance(error, OperationalError) and error.orig is not None:
        error = error.orig  # without the SQL
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_password(lines[0])[:MAX_SHOWN_CHARACTERS]


def root_cause(error: BaseException) -> str:
    """Return the first line of the earliest error of system or database in a chain.

    Without one, that of the error itself.
    """
    kinds = (OSError, OperationalError)
    causes = [cause for cause in _chain(error) if isinstance(cause, kinds)]
    return first_line([error, *causes][-1])


def check_access(error: BaseException) -> None:
    """Raise AccessDenied if the error is a server's refusal of the user.

    Raises:
        AccessDenied: the server answered 401 or 403.
    """
    status = _status(error)
    if status in (UNKNOWN_USER_STATUS, FORBIDDEN_STATUS):
        raise AccessDenied(_shown_uri(), status, _answer(error)) from error


def find_user_error(error: BaseException) -> InputError | None:
    """Return a failure of the MLflow server, or of a disk or database, as a user error.

    None if the error is of another kind, for example a bug in the program.
    """
    try:
        check_access(error)
    except AccessDenied as denied:
        return denied
    unreachable = r"API request to \S+ failed with exception"
    if isinstance(error, MlflowException) and re.match(unreachable, str(error)):
        return TrackingError(_shown_uri(), root_cause(error))
    for cause in _chain(error):
        if isinstance(cause, OperationalError):  # a database is full, locked or gone
            return TrackingError(_shown_uri(), first_line(cause))
        if isinstance(cause, OSError) and cause.errno in DISK_ERRORS:
            place = cause.filename or "a file"
            return OutputError(place, str(cause.strerror), DISK_ADVICE)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the latest first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


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
