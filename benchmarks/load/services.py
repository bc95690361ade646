"""Services under load, each started when a row first needs it."""

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
    AnswerCounts,
    Target,
    constant_target,
    forecast_body,
    invocations_target,
    read_points,
    recast_target,
)

UVICORN = (sys.executable, "-m", "uvicorn", "--port", "{port}", "--log-level", "error")
FAST_OPTIONS = ("--loop", "uvloop", "--http", "httptools", "--no-access-log")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """The size of a load benchmark.

    Attributes:
        rounds: number of rounds; in each, every contestant runs once.
        seconds: seconds of load in a round.
        duration: seconds of load while the alias moves.
        requests: number of requests before memory is measured again.
    """

    rounds: int = 3
    seconds: int = 10
    duration: int = 300
    requests: int = 1_000_000

    @property
    def settled(self) -> int:
        """Number of requests before memory is measured first."""
        return min(10_000, self.requests // 5)


class Services:
    """The services under load, stopped at the end of a ``with`` block.

    Attributes:
        plan: size of the benchmark.
        store: MLflow store with the model.
        folder: folder of logs and of files that services write.
        answers: counts of the answers of each service, by name.
        starts: seconds from start to ready, for each start of Recast's service.
    """

    def __init__(self, plan: LoadPlan, store: Store, folder: Path) -> None:
        self.plan, self.store, self.folder = plan, store, folder
        self.answers: defaultdict[str, AnswerCounts] = defaultdict(AnswerCounts)
        self.starts: list[float] = []
        self._exit_stack = ExitStack()

    def __enter__(self) -> "Services":
        return self

    def __exit__(self, *_: object) -> None:
        self._exit_stack.close()

    @cached_property
    def recast(self) -> Target:
        """Recast's service."""
        return self._exit_stack.enter_context(self.start_recast())

    @contextmanager
    def start_recast(self, **settings: str) -> Iterator[Target]:
        """Run a separate service by its command, without a log line per request.

        Args:
            settings: settings of the service, ``SERVING_...``.
        """
        command = (sys.executable, "-m", "pipelines", "serve", "--port", "{port}")
        environment = {
            "MLFLOW_TRACKING_URI": self.store.uri,
            "SERVING_LOG_LEVEL": "warning",
        }
        environment |= settings
        with running(command, "/readyz", self.folder, environment) as server:
            self.starts.append(server.ready_after)
            yield recast_target("Recast", server, self.answers["Recast"])

    @cached_property
    def mlflow(self) -> Target:
        """MLflow's scoring server of the same model, without an access log."""
        answer = self._answer()
        model = ("--model-uri", f"models:/{NAME}/{VERSIONS[0]}")
        options = ("--env-manager", "local", "--port", "{port}")
        command = (sys.executable, "-m", "mlflow", "models", "serve", *model, *options)
        environment = {
            "MLFLOW_TRACKING_URI": self.store.uri,
            "UVICORN_ACCESS_LOG": "false",
            "UVICORN_LOG_LEVEL": "error",
        }
        server = self._start(command, "/ping", environment)
        (expected,) = read_points(json.loads(answer))
        name = "mlflow models serve"
        return invocations_target(name, server, self.answers[name], expected)

    @cached_property
    def plain(self) -> Target:
        """A route of FastAPI that returns a constant."""
        return self._constant("FastAPI, constant", self._fastapi, "/plain")

    @cached_property
    def typed(self) -> Target:
        """The same route with a response type, which is faster."""
        return self._constant("FastAPI, typed constant", self._fastapi, "/typed")

    @cached_property
    def raw(self) -> Target:
        """A constant response without a framework."""
        return self._constant("uvicorn, constant", self._start_constant("raw"), "/")

    @cached_property
    def _fastapi(self) -> Server:
        return self._start_constant("app")

    def _constant(self, name: str, server: Server, path: str) -> Target:
        return constant_target(name, server, self.answers[name], path, self._answer())

    def _start_constant(self, app: str) -> Server:
        path = self.folder / "answer.json"
        path.write_bytes(self._answer())
        command = (*UVICORN, *FAST_OPTIONS, f"benchmarks.load.constant:{app}")
        return self._start(command, "/openapi.json", {"CONSTANT_ANSWER": str(path)})

    def _start(
        self, command: tuple[str, ...], ready_path: str, environment: dict[str, str]
    ) -> Server:
        server = running(command, ready_path, self.folder, environment)
        return self._exit_stack.enter_context(server)

    def _answer(self) -> bytes:
        """Return the answer of the first version, as JSON."""
        path = f"{ROUTE}?version={VERSIONS[0]}"
        _, answer = self.recast.server.post(path, forecast_body(1))
        return answer


LoadRow = Callable[[Services], Iterator[Result | Skipped]]
