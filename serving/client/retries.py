"""When to ask again: a forecast changes nothing, so that asking twice is safe."""

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

AGAIN = (429, 503)  # too many requests; not now
# No connection, or one that broke before the answer came.
BROKEN = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
Outcome = httpx.Response | httpx.TransportError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often to ask again, and after which pause.

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
        """Return the seconds to wait before the next try; None: there shall be none.

        Args:
            tries: that have been made.
            outcome: of the last one.
        """
        if tries > self.most:
            return None
        if isinstance(outcome, httpx.TransportError):
            return self._backoff(tries) if isinstance(outcome, BROKEN) else None
        if outcome.status_code not in AGAIN:
            return None
        asked = _seconds(outcome.headers.get("Retry-After", ""))
        if asked is None:
            return self._backoff(tries)
        return asked if asked <= self.longest else None

    def _backoff(self, tries: int) -> float:
        whole = min(self.longest, self.first * 2.0 ** (tries - 1))
        return random.uniform(0.5, 1) * whole


def _seconds(retry_after: str) -> float | None:
    """Return what a Retry-After says, seconds or a date; None where it says nothing."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
