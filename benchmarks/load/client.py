"""Load generator for machines without wrk.

    python -m benchmarks.load.client --port 8000 --path / --body FILE --clients 16

Opens a number of keep-alive connections to the loopback; each sends its next request
when the last response has come. Prints one line of JSON: ``answered``, ``failed`` (no
response, or a status other than 200), ``seconds``, and ``p50`` and ``p99`` in
milliseconds.
"""

import argparse
import asyncio
import json
import math
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httptools

HOST = "127.0.0.1"
MAX_WAIT_SECONDS = 30.0  # for the responses still due at the end
RETRY_SECONDS = 0.05  # between two attempts to connect


@dataclass
class LoadRun:
    """The request, deadline and counts shared by all connections.

    Attributes:
        request: the bytes of one request.
        end: deadline for the last request, of the monotonic clock.
        latencies: seconds until each response of status 200.
        failed: number of requests without such a response.
    """

    request: bytes
    end: float
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    failed: int = 0


class Connection(asyncio.Protocol):
    """A client connection that sends requests one after another.

    Attributes:
        closed: future that is done when the connection is closed.
    """

    def __init__(self, run: LoadRun) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._run, self._parser = run, httptools.HttpResponseParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._sent_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop has its own
        self._send_request()

    def data_received(self, data: bytes) -> None:
        """Parse a part of the response."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Record the response; send the next request or close the connection."""
        assert self._sent_at is not None
        assert self._transport is not None
        if self._parser.get_status_code() == 200:
            self._run.latencies.append(time.perf_counter() - self._sent_at)
        else:
            self._run.failed += 1
        self._sent_at = None
        if self._parser.should_keep_alive() and time.monotonic() < self._run.end:
            self._send_request()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a request without a response as failed."""
        self._run.failed += self._sent_at is not None
        if not self.closed.done():
            self.closed.set_result(None)

    def _send_request(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._run.request)


async def load(port: int, request: bytes, clients: int, seconds: float) -> LoadRun:
    """Send requests for some seconds and wait for the last responses."""
    run = LoadRun(request, time.monotonic() + seconds)
    await asyncio.gather(*(_keep_sending(run, port) for _ in range(clients)))
    return run


async def _keep_sending(run: LoadRun, port: int) -> None:
    loop = asyncio.get_running_loop()
    while time.monotonic() < run.end:
        try:
            transport, client = await loop.create_connection(
                lambda: Connection(run), HOST, port
            )
        except OSError:
            run.failed += 1
            await asyncio.sleep(RETRY_SECONDS)
            continue
        timeout = run.end - time.monotonic() + MAX_WAIT_SECONDS
        await asyncio.wait([client.closed], timeout=timeout)
        transport.abort()
        await client.closed


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and print the counts and latencies."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.client")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/")
    parser.add_argument("--body", type=Path, required=True, help="file with JSON")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args(arguments)
    body = options.body.read_bytes()
    head = (
        f"POST {options.path} HTTP/1.1\r\nHost: {HOST}:{options.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request, start = head.encode() + body, time.perf_counter()
    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        run = runner.run(load(options.port, request, options.clients, options.seconds))
    seconds, latencies = time.perf_counter() - start, sorted(run.latencies)
    figures = {"answered": len(latencies), "failed": run.failed, "seconds": seconds}
    figures |= {f"p{percent}": _percentile(latencies, percent) for percent in (50, 99)}
    print(json.dumps(figures))


def _percentile(latencies: list[float], percent: int) -> float:
    """Return a percentile of sorted seconds, in milliseconds; 0 without any."""
    index = math.ceil(len(latencies) * percent / 100) - 1
    return 1000 * latencies[index] if latencies else 0.0


def _fast_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not available for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
