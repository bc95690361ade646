"""Errors of the client.

ClientError
├── Unreachable       no response, also after retries
└── ProblemAnswer     the service refused the request, with problem details
"""

from typing import Any

import httpx


class ClientError(Exception):
    """Base of every error that a client raises about the service."""


class Unreachable(ClientError):
    """The service did not answer."""

    def __init__(self, url: str, reason: str, tries: int) -> None:
        self.url, self.tries = url, tries
        times = "once" if tries == 1 else f"{tries} times"
        super().__init__(f"{url} does not answer ({reason}; asked {times})")


class ProblemAnswer(ClientError):
    """The service refused the request, with problem details (RFC 9457).

    Attributes:
        status: HTTP status.
        type: kind of the problem, such as ``urn:recast:problem:unknown-model``.
        title: the kind in words.
        detail: description of the problem, with advice.
        errors: flaws of the request: ``{"loc": [...], "msg": "..."}``.
        request_id: id of the request in the service's log.
    """

    def __init__(self, response: httpx.Response) -> None:
        problem = _problem_of(response)
        self.status = response.status_code
        self.type = str(problem.get("type", "about:blank"))
        self.title = str(problem.get("title", response.reason_phrase))
        self.detail = str(problem.get("detail", response.text[:200] or self.title))
        self.errors = list(problem.get("errors") or [])
        self.request_id = response.headers.get("X-Request-ID")
        super().__init__(f"{self.status} {self.title}: {self.detail}")


def _problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return the problem details; empty if a proxy or the like answered."""
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
