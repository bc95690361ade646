"""Removal of credentials from URIs in texts, such as errors of MLflow."""

import re

URI_PATTERN = re.compile(r"://(?:(?!://)\S)*")  # up to a space, or to the next one
PORT_PATTERN = re.compile(r"[^/@]*:\d+(?:/|$)")  # a host and its port, no user


def mask(text: str) -> str:
    """Return a text without the users and passwords of its URIs.

    >>> mask("API request to http://admin:S3cret@host/api/2.0 failed")
    'API request to http://host/api/2.0 failed'
    """
    return URI_PATTERN.sub(_without_user, text) if "://" in text else text


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, without credentials."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return mask(lines[0])[:300]


def _without_user(uri: re.Match[str]) -> str:
    rest = uri[0].removeprefix("://")
    authority = rest.split("/", 1)[0]
    if "@" not in authority and (":" not in authority or PORT_PATTERN.match(rest)):
        return uri[0]
    if "@" in authority:  # the rest after the first slash is a path
        return f"://{authority.rpartition('@')[2]}{rest.removeprefix(authority)}"
    return f"://{rest.rpartition('@')[2]}"  # a password with a slash in it
