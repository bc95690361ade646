"""The contestants, each started when a row first needs it."""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.common.results import Result, Skipped
from benchmarks.load.servers import Server, running
from benchmarks.load.store import NAME, VERSIONS, Store
from benchmarks.load.targets import (
    ROUTE,
    Tally,
    Target,
    constant_target,
    forecast_body,
    invocations_target,
    points_of,
    recast_target,
)

UVICORN = (sys.executable, "-m", "uvicorn", "--port", "{port}", "--log-level", "error")
FAST = ("--loop", "uvloop", "--http", "httptools", "--no-access-log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: that contestants take turns in.
        seconds: of load in each.
        duration: seconds of load while the alias moves.
        requests: after which memory is looked at again.
    """

    rounds: int = 3
    seconds: int = 10
    duration: int = 300
    requests: int = 1_000_000

    @property
    def settled(self) -> int:
        """Requests after which memory is looked at first."""
        return min(10_000, self.requests // 5)


class Stage:
    """The contestants, as long as the block lasts.

    Attributes:
        plan: how much is measured.
        store: the registry with the model.
        folder: for logs and what services keep.
        tallies: how the contestants have answered, by name.
        starts: seconds that each start of the service took.
    """

    def __init__(self, plan: Plan, store: Store, folder: Path) -> None:
        self.plan, self.store, self.folder = plan, store, folder
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.starts: list[float] = []
        self._open = ExitStack()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def recast(self) -> Target:
        """Recast's service."""
        return self._open.enter_context(self.start_recast())

    @contextmanager
    def start_recast(self, **settings: str) -> Iterator[Target]:
        """Run a service of its own: the command, and no line of log a request.

        Args:
            settings: others of the service than its defaults, ``SERVING_...``.
        """
        command = (sys.executable, "-m", "pipelines", "serve", "--port", "{port}")
        told = {"MLFLOW_TRACKING_URI": self.store.uri, "SERVING_LOG_LEVEL": "warning"}
        told |= settings
        with running(command, "/readyz", self.folder, told) as server:
            self.starts.append(server.ready_after)
            yield recast_target("Recast", server, self.tallies["Recast"])

    @cached_property
    def mlflow(self) -> Target:
        """MLflow's scoring server of the same model, logging as little."""
        answer = self._answer()
        model = ("--model-uri", f"models:/{NAME}/{VERSIONS[0]}")
        where = ("--env-manager", "local", "--port", "{port}")
        command = (sys.executable, "-m", "mlflow", "models", "serve", *model, *where)
        told = {
            "MLFLOW_TRACKING_URI": self.store.uri,
            "UVICORN_ACCESS_LOG": "false",
            "UVICORN_LOG_LEVEL": "error",
        }
        server = self._start(command, "/ping", told)
        (right,) = points_of(json.loads(answer))
        name = "mlflow models serve"
        return invocations_target(name, server, self.tallies[name], right)

    @cached_property
    def plain(self) -> Target:
        """A route of FastAPI that returns a constant."""
        return self._constant("FastAPI, constant", self._fastapi, "/plain")

    @cached_property
    def typed(self) -> Target:
        """The same with a declared type, which is faster."""
        return self._constant("FastAPI, typed constant", self._fastapi, "/typed")

    @cached_property
    def raw(self) -> Target:
        """A constant without a framework."""
        return self._constant("uvicorn, constant", self._start_constant("raw"), "/")

    @cached_property
    def _fastapi(self) -> Server:
        return self._start_constant("app")

    def _constant(self, name: str, server: Server, path: str) -> Target:
        return constant_target(name, server, self.tallies[name], path, self._answer())

    def _start_constant(self, app: str) -> Server:
        path = self.folder / "answer.json"
        path.write_bytes(self._answer())
        command = (*UVICORN, *FAST, f"benchmarks.load.constant:{app}")
        return self._start(command, "/openapi.json", {"CONSTANT_ANSWER": str(path)})

    def _start(
        self, command: tuple[str, ...], ready: str, told: dict[str, str]
    ) -> Server:
        server = running(command, ready, self.folder, told)
        return self._open.enter_context(server)

    def _answer(self) -> bytes:
        """Return what the first version answers."""
        path = f"{ROUTE}?version={VERSIONS[0]}"
        _, answer = self.recast.server.post(path, forecast_body(1))
        return answer


Row = Callable[[Stage], Iterator[Result | Skipped]]
