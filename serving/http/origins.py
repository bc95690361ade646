"""Hosts that requests may name, and origins of pages that may call the service.

Any page in a browser on this machine can send requests to a local port, under a name of
its own that it lets point here (DNS rebinding), and read the answers as its own. Where
no key protects these, the name in the header Host does. Other pages can read answers
only if CORS allows their origin.
"""

import re
from collections.abc import Awaitable, Collection

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import UnknownHost
from serving.http.api_keys import is_local, read_keys
from serving.http.middleware import read_header
from serving.http.problems import error_response
from serving.settings import Settings

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ANY_HOST = "*"
MAX_PASSED = 256  # values of the header that are remembered
HOST = re.compile(r"(\[[0-9a-f:.]*\]|[^:\[\]]*)(?::[0-9]*)?")  # and a port
METHODS = ("GET", "HEAD", "POST", "DELETE")
REQUEST_HEADERS = ("Authorization", "X-API-Key", "X-Request-ID", "Content-Encoding")
RESPONSE_HEADERS = ("X-Request-ID", "Retry-After")


class HostCheck:
    """Refuses requests for other hosts than the service's.

    A request without the header, as in HTTP/1.0, does not come from a browser and
    passes.

    Args:
        app: the next ASGI application.
        hosts: names in lower case, without ports; ``*.example.org`` for subdomains.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self._hosts = app, hosts
        self._passed: set[bytes] = {b""}  # values of the header that are allowed

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one connection, without a coroutine between, which takes longer."""
        if scope["type"] == "http":
            host = read_header(scope, b"host")
            if host not in self._passed and not self._pass(host):
                error = UnknownHost(host.decode("latin-1"), self._hosts)
                return error_response(error, scope["path"])(scope, receive, send)
        return self.app(scope, receive, send)

    def _pass(self, header: bytes) -> bool:
        """Return whether the value of the header Host has an allowed name."""
        name = _without_port(header.decode("latin-1").lower())
        is_allowed = name in self._hosts or any(
            name.endswith(host[1:]) for host in self._hosts if host.startswith("*.")
        )
        if is_allowed and len(self._passed) < MAX_PASSED:
            self._passed.add(header)
        return is_allowed


def host_middleware(settings: Settings) -> list[Middleware]:
    """Return the check of hosts, or an empty list where any host is allowed.

    By default it is on where requests need no key and only this machine is to be
    answered.

    Raises:
        SettingError: the file with the keys cannot be read.
    """
    hosts = tuple(host.lower() for host in settings.allowed_hosts)
    is_open = settings.allow_anonymous or bool(read_keys(settings))
    if not hosts and not is_open and is_local(settings.host):
        bound = f"[{settings.host}]" if ":" in settings.host else settings.host
        hosts = tuple(dict.fromkeys((*LOCAL_HOSTS, bound.lower())))
    if not hosts or ANY_HOST in hosts:
        return []
    return [Middleware(HostCheck, hosts)]


def cors_middleware(settings: Settings) -> list[Middleware]:
    """Return the middleware for scripts of other origins, or an empty list."""
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
        )
    ]


def _without_port(host: str) -> str:
    """Return a host without its port; empty if it is none.

    >>> _without_port("localhost:8000"), _without_port("[::1]"), _without_port("[::1]a")
    ('localhost', '[::1]', '')
    """
    match = HOST.fullmatch(host)
    return match[1] if match else ""
