"""Credentials in URIs, as MLflow's errors repeat them: left out of what is shown."""

import re

URI = re.compile(r"://(?:(?!://)\S)*")  # up to a space, or to the next one
PORT = re.compile(r"[^/@]*:\d+(?:/|$)")  # a host and its port, no user


def mask(text: str) -> str:
    """Return a text whose URIs have no user and no password.

    >>> mask("API request to http://admin:S3cret@host/api/2.0 failed")
    'API request to http://host/api/2.0 failed'
    """
    return URI.sub(_without_user, text) if "://" in text else text


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line, without credentials."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return mask(lines[0])[:300]


def _without_user(uri: re.Match[str]) -> str:
    rest = uri[0].removeprefix("://")
    authority = rest.split("/", 1)[0]
    if "@" not in authority and (":" not in authority or PORT.match(rest)):
        return uri[0]
    if "@" in authority:  # what follows the first slash is a path
        return f"://{authority.rpartition('@')[2]}{rest.removeprefix(authority)}"
    return f"://{rest.rpartition('@')[2]}"  # a password with a slash in it
