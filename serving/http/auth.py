"""API keys and rate limits, checked before any other work on a request.

An ASGI middleware in front of every route, installed only where keys or a rate are
set.
"""

import math
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import KeyNeeded, RateExceeded, ServiceError
from serving.http.api_keys import ApiKey, read_keys
from serving.http.problems import error_response, is_inference
from serving.observability.logging import add_log_fields
from serving.observability.metrics import Metrics
from serving.settings import Settings

# Probes have no key, and a browser opens a page without one. None shows a forecast.
PROBES = (
    "/livez",
    "/readyz",
    "/ping",
    "/health",
    "/v2/health/live",
    "/v2/health/ready",
)

OPEN = frozenset({*PROBES, "/", "/docs", "/openapi.json"})
OPEN_FOLDERS = ("/docs/assets/", "/page/")
Headers = Iterable[tuple[bytes, bytes]]


class RateLimit:
    """Limits the requests of each client per time; each process counts separately.

    Args:
        rate: requests per time, such as ``100/second``, in the notation of `limits`.
    """

    def __init__(self, rate: str) -> None:
        self._item = parse(rate)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, client: str) -> int:
        """Count a request; return the seconds to wait, or 0."""
        if self._limiter.hit(self._item, client):
            return 0
        reset = self._limiter.get_window_stats(self._item, client).reset_time
        return max(1, math.ceil(reset - time.time()))


class AuthMiddleware:
    """Requires an API key where keys are set, and limits the rate of requests.

    Args:
        app: the next ASGI application.
        keys: by name; empty allows every request.
        rate: limit for each key, or for each address when there are no keys.
        metrics: counters of requests by key.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Mapping[str, ApiKey],
        rate: RateLimit | None,
        metrics: Metrics,
    ) -> None:
        self.app, self._rate, self._metrics = app, rate, metrics
        self._keys = tuple(keys.values())
        self._key_needed = _ConstantResponse(KeyNeeded())
        self._rate_exceeded = _ConstantResponse(RateExceeded())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        name = None
        if self._keys:
            key = self._find(extract_key(scope["headers"]))
            if key is None:
                await self._key_needed(scope, send)
                return
            name, scope["api_key"] = key.name, key
            add_log_fields(scope, key=name)
            self._metrics.count_key(name)
        if self._rate is not None:
            wait = self._rate.admit(name or _address(scope))
            if wait:
                header = (b"retry-after", b"%d" % wait)
                await self._rate_exceeded(scope, send, header)
                return
        await self.app(scope, receive, send)

    def _find(self, sent: bytes) -> ApiKey | None:
        """Return the key that was sent, or None; compares in constant time."""
        digest, match = sha256(sent).digest(), None
        for key in self._keys:
            if compare_digest(digest, key.digest):
                match = key
        return match


class _ConstantResponse:
    """A constant error response, built once for each format."""

    def __init__(self, error: ServiceError) -> None:
        self._responses = [error_response(error, path) for path in ("/", "/v2")]

    async def __call__(
        self, scope: Scope, send: Send, *headers: tuple[bytes, bytes]
    ) -> None:
        """Send the response with additional headers."""
        response = self._responses[is_inference(scope["path"])]
        start = {"type": "http.response.start", "status": response.status_code}
        await send({**start, "headers": [*response.raw_headers, *headers]})
        await send({"type": "http.response.body", "body": bytes(response.body)})


def auth_middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    """Return the auth and rate-limit middleware, or an empty list.

    Raises:
        SettingError: the file with the keys cannot be read.
    """
    keys = read_keys(settings)
    rate = RateLimit(settings.rate_limit) if settings.rate_limit else None
    if not keys and rate is None:
        return []
    return [Middleware(AuthMiddleware, keys, rate, metrics)]


def is_open(path: str) -> bool:
    """Return whether a path needs no key and is not rate-limited."""
    return path in OPEN or path.startswith(OPEN_FOLDERS)


def extract_key(headers: Headers) -> bytes:
    """Return the key of a request: ``Authorization: Bearer``, or ``X-API-Key``."""
    key = b""
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].strip()
        if name == b"x-api-key":
            key = value.strip()
    return key


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"
