"""Retries of failed requests; they are safe, as a forecast changes no state."""

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

RETRY_STATUSES = (429, 503)  # too many requests; service unavailable
# No connection, or one that broke before the response.
RETRY_ERRORS = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
Outcome = httpx.Response | httpx.TransportError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Number of retries and the pauses between them.

    The service's Retry-After is honoured; without one, pauses double, and vary so that
    clients do not come back together.

    Args:
        most: tries after the first; 0 for none.
        first: seconds before the second try.
        longest: seconds between two tries; a Retry-After beyond them ends the tries.

    >>> Retries(most=0).pause(1, httpx.Response(503)) is None
    True
    """

    most: int = 4
    first: float = 0.2
    longest: float = 30.0

    def pause(self, tries: int, outcome: Outcome) -> float | None:
        """Return the seconds to wait before the next try, or None to stop.

        Args:
            tries: number so far.
            outcome: response or error of the last try.
        """
        if tries > self.most:
            return None
        if isinstance(outcome, httpx.TransportError):
            return self._backoff(tries) if isinstance(outcome, RETRY_ERRORS) else None
        if outcome.status_code not in RETRY_STATUSES:
            return None
        seconds = _parse_retry_after(outcome.headers.get("Retry-After", ""))
        if seconds is None:
            return self._backoff(tries)
        return seconds if seconds <= self.longest else None

    def _backoff(self, tries: int) -> float:
        pause = min(self.longest, self.first * 2.0 ** (tries - 1))
        return random.uniform(0.5, 1) * pause


def _parse_retry_after(retry_after: str) -> float | None:
    """Return the seconds of a Retry-After, a number or a date; None if invalid."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())
