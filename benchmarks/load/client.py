"""A load client for machines without wrk.

    python -m benchmarks.load.client --port 8000 --path / --body FILE --clients 16

So many keep-alive connections to the loopback, each with one request at a time, as
fast as the answers come. Prints one line of JSON: ``answered``, ``failed`` (lost, or of
a status other than 200), ``seconds``, and ``p50`` and ``p99`` in milliseconds.
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
PATIENCE = 30.0  # seconds that the last answers may take
PAUSE = 0.05  # seconds until a connection is tried again


@dataclass
class Run:
    """What all connections share.

    Attributes:
        request: the bytes of one request.
        end: when no more requests are sent, of the monotonic clock.
        times: seconds that each good answer took.
        failed: requests without one.
    """

    request: bytes
    end: float
    times: "array[float]" = field(default_factory=lambda: array("d"))
    failed: int = 0


class Connection(asyncio.Protocol):
    """One client: asks, waits for the answer, asks again.

    Attributes:
        over: done when the connection is, with or without an answer.
    """

    def __init__(self, run: Run) -> None:
        self.over = asyncio.get_running_loop().create_future()
        self._run, self._parser = run, httptools.HttpResponseParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._sent: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop has its own
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Note how the answer was, and go on."""
        assert self._sent is not None
        assert self._transport is not None
        if self._parser.get_status_code() == 200:
            self._run.times.append(time.perf_counter() - self._sent)
        else:
            self._run.failed += 1
        self._sent = None
        if self._parser.should_keep_alive() and time.monotonic() < self._run.end:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count the request that nobody answered."""
        self._run.failed += self._sent is not None
        if not self.over.done():
            self.over.set_result(None)

    def _ask(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._run.request)


async def load(port: int, request: bytes, clients: int, seconds: float) -> Run:
    """Send requests for some seconds, and wait for the last answers."""
    run = Run(request, time.monotonic() + seconds)
    await asyncio.gather(*(_keep_asking(run, port) for _ in range(clients)))
    return run


async def _keep_asking(run: Run, port: int) -> None:
    loop = asyncio.get_running_loop()
    while time.monotonic() < run.end:
        try:
            transport, client = await loop.create_connection(
                lambda: Connection(run), HOST, port
            )
        except OSError:
            run.failed += 1
            await asyncio.sleep(PAUSE)
            continue
        left = run.end - time.monotonic() + PATIENCE
        await asyncio.wait([client.over], timeout=left)
        transport.abort()
        await client.over


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.client")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/")
    parser.add_argument("--body", type=Path, required=True, help="file with JSON")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args(arguments)
    body = asked.body.read_bytes()
    head = (
        f"POST {asked.path} HTTP/1.1\r\nHost: {HOST}:{asked.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request, began = head.encode() + body, time.perf_counter()
    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        run = runner.run(load(asked.port, request, asked.clients, asked.seconds))
    seconds, times = time.perf_counter() - began, sorted(run.times)
    found = {"answered": len(times), "failed": run.failed, "seconds": seconds}
    found |= {f"p{share}": _percentile(times, share) for share in (50, 99)}
    print(json.dumps(found))


def _percentile(times: list[float], share: int) -> float:
    """Return the least time that so many percent do not exceed, in milliseconds."""
    place = math.ceil(len(times) * share / 100) - 1
    return 1000 * times[place] if times else 0.0


def _fast_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


if __name__ == "__main__":
    main()
