"""Who is asked for forecasts, what with, and whether the answers are right."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import Any

from benchmarks.common.plan import sunspots
from benchmarks.load.servers import Server
from benchmarks.load.store import HORIZON, LEVELS, NAME, SEQ_LEN, VERSIONS

ROUTE = f"/v1/models/{NAME}/forecast"
Judge = Callable[[bytes], bool]


@dataclass(slots=True)
class Tally:
    """How one contestant has answered so far.

    Attributes:
        answered, failed: requests with and without a good status.
        checked, wrong: answers that were looked into, and those that were not right.
    """

    answered: int = 0
    failed: int = 0
    checked: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A contestant that can be asked.

    Attributes:
        name: of the contestant.
        server: where it runs.
        path: of the route.
        body: of every request, JSON.
        judge: says whether the body of an answer is right.
        tally: of all its answers.
        series: forecast by one request.
    """

    name: str
    server: Server
    path: str
    body: bytes
    judge: Judge
    tally: Tally
    series: int = 1

    def check(self, times: int) -> None:
        """Ask a few times, one after another, and look into the answers."""
        for _ in range(times):
            self.tally.checked += 1
            self.tally.wrong += not self._answers_right()

    def _answers_right(self) -> bool:
        try:
            status, answer = self.server.post(self.path, self.body)
        except (OSError, HTTPException):  # nobody answered
            return False
        return status == 200 and self.judge(answer)


def histories(count: int) -> list[list[float]]:
    """Return so many stretches of the bundled series, as long as the model reads."""
    values = sunspots().values
    ends = [len(values) - place % 1000 for place in range(count)]
    return [values[end - SEQ_LEN : end].tolist() for end in ends]


def forecast_body(count: int) -> bytes:
    """Return the request for the forecasts of so many series."""
    series = [
        {"id": f"series {place}", "values": values}
        for place, values in enumerate(histories(count))
    ]
    asked = {"series": series, "horizon": HORIZON, "levels": LEVELS}
    return json.dumps(asked).encode()


def invocation_body() -> bytes:
    """Return the request of one series as MLflow's scoring server takes it."""
    (values,) = histories(1)
    rows = [[value] for value in values]
    asked = {"dataframe_split": {"columns": ["target"], "data": rows}}
    return json.dumps(asked).encode()


def recast_target(name: str, server: Server, tally: Tally) -> Target:
    """Return the service, to be asked for one series; it knows both versions.

    Its own answers, version by version, are what those under load have to equal.
    """
    body, right = forecast_body(1), {}
    for version in VERSIONS:
        status, answer = server.post(f"{ROUTE}?version={version}", body)
        assert status == 200, answer
        right[version] = points_of(json.loads(answer))

    def judge(answer: bytes) -> bool:
        found = json.loads(answer)
        expected = right.get(found["model"]["version"])
        return expected is not None and _same(points_of(found), expected)

    return Target(name, server, ROUTE, body, judge, tally)


def many_series(target: Target, count: int) -> Target:
    """Return the same service, to be asked for many series at once."""

    def judge(answer: bytes) -> bool:
        found = json.loads(answer)
        lengths = {len(points) for points in points_of(found)}
        named = found["model"]["version"] in VERSIONS
        return named and len(points_of(found)) == count and lengths == {HORIZON}

    return replace(target, body=forecast_body(count), judge=judge, series=count)


def invocations_target(
    name: str, server: Server, tally: Tally, right: Sequence[float]
) -> Target:
    """Return a scoring server of MLflow; it has to forecast what the service does."""

    def judge(answer: bytes) -> bool:
        rows = json.loads(answer)["predictions"]
        return _same([[row["point"] for row in rows]], [right])

    return Target(name, server, "/invocations", invocation_body(), judge, tally)


def constant_target(
    name: str, server: Server, tally: Tally, path: str, content: bytes
) -> Target:
    """Return a route that replies with a constant."""
    expected = json.loads(content)

    def judge(answer: bytes) -> bool:
        return bool(json.loads(answer) == expected)

    return Target(name, server, path, forecast_body(1), judge, tally)


def points_of(answer: dict[str, Any]) -> list[list[float]]:
    """Return the points of an answer of the service, a list a series."""
    return [each["point"] for each in answer["forecasts"]]


def _same(found: Sequence[Sequence[float]], right: Sequence[Sequence[float]]) -> bool:
    """Whether forecasts are of 12 steps and equal to float32's rounding."""
    return len(found) == len(right) and all(
        len(ours) == HORIZON == len(theirs) and all(map(_close, ours, theirs))
        for ours, theirs in zip(found, right, strict=True)
    )


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-2)
