"""Targets of load: routes of services, their request bodies and answer checks."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import Any

from benchmarks.common.plan import read_sunspots
from benchmarks.load.servers import Server
from benchmarks.load.store import HORIZON, LEVELS, NAME, SEQ_LEN, VERSIONS

ROUTE = f"/v1/models/{NAME}/forecast"
ZERO_SHOT_ROUTE = "/v1/forecast"
AnswerCheck = Callable[[bytes], bool]


@dataclass(slots=True)
class AnswerCounts:
    """Counts of the answers of one service.

    Attributes:
        answered, failed: number of requests with and without status 200.
        checked, wrong: number of answers checked, and of those found wrong.
    """

    answered: int = 0
    failed: int = 0
    checked: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A route of a running service, with its request.

    Attributes:
        name: name of the service in the tables.
        server: the running service.
        path: path of the route.
        body: body of every request, JSON.
        is_correct: check of the body of an answer.
        counts: counts of the service's answers.
        series: number of series in a request.
    """

    name: str
    server: Server
    path: str
    body: bytes
    is_correct: AnswerCheck
    counts: AnswerCounts
    series: int = 1

    def check_answers(self, count: int) -> None:
        """Send some requests one after another, check and count the answers."""
        for _ in range(count):
            self.counts.checked += 1
            self.counts.wrong += not self._has_correct_answer()

    def _has_correct_answer(self) -> bool:
        try:
            status, answer = self.server.post(self.path, self.body)
        except (OSError, HTTPException):
            return False
        return status == 200 and self.is_correct(answer)


def read_histories(count: int, length: int = SEQ_LEN) -> list[list[float]]:
    """Return a number of histories from the bundled series, each of ``length``."""
    values = read_sunspots().values
    ends = [len(values) - offset % 1000 for offset in range(count)]
    return [values[end - length : end].tolist() for end in ends]


def forecast_body(count: int, length: int = SEQ_LEN) -> bytes:
    """Return the body of a request for the forecasts of a number of series."""
    series = [
        {"id": f"series {number}", "values": values}
        for number, values in enumerate(read_histories(count, length))
    ]
    request = {"series": series, "horizon": HORIZON, "levels": LEVELS}
    return json.dumps(request).encode()


def invocation_body() -> bytes:
    """Return the body of a request of one series to MLflow's scoring server."""
    (values,) = read_histories(1)
    rows = [[value] for value in values]
    request = {"dataframe_split": {"columns": ["target"], "data": rows}}
    return json.dumps(request).encode()


def recast_target(name: str, server: Server, counts: AnswerCounts) -> Target:
    """Return the forecast route of Recast's service, for one series.

    The expected forecast of each version is requested here, without load.
    """
    body, expected = forecast_body(1), {}
    for version in VERSIONS:
        status, answer = server.post(f"{ROUTE}?version={version}", body)
        assert status == 200, answer
        expected[version] = read_points(json.loads(answer))

    def is_correct(answer: bytes) -> bool:
        forecast = json.loads(answer)
        points = expected.get(forecast["model"]["version"])
        return points is not None and _are_equal(read_points(forecast), points)

    return Target(name, server, ROUTE, body, is_correct, counts)


def zero_shot_target(
    name: str, server: Server, counts: AnswerCounts, count: int, length: int
) -> Target:
    """Return the route of forecasts without a model, for a number of series.

    The expected answer is requested here, without load.
    """
    body = forecast_body(count, length)
    status, expected = server.post(ZERO_SHOT_ROUTE, body)
    assert status == 200, expected
    return Target(
        name=name,
        server=server,
        path=ZERO_SHOT_ROUTE,
        body=body,
        is_correct=lambda answer: answer == expected,
        counts=counts,
        series=count,
    )


def many_series(target: Target, count: int) -> Target:
    """Return the same route with many series in a request."""

    def is_correct(answer: bytes) -> bool:
        forecast = json.loads(answer)
        points = read_points(forecast)
        has_version = forecast["model"]["version"] in VERSIONS
        has_shape = len(points) == count and {len(row) for row in points} == {HORIZON}
        return has_version and has_shape

    return replace(
        target, body=forecast_body(count), is_correct=is_correct, series=count
    )


def invocations_target(
    name: str, server: Server, counts: AnswerCounts, points: Sequence[float]
) -> Target:
    """Return the route of MLflow's scoring server; its forecast has to equal ours."""

    def is_correct(answer: bytes) -> bool:
        rows = json.loads(answer)["predictions"]
        return _are_equal([[row["point"] for row in rows]], [points])

    return Target(name, server, "/invocations", invocation_body(), is_correct, counts)


def constant_target(
    name: str, server: Server, counts: AnswerCounts, path: str, content: bytes
) -> Target:
    """Return a route with a constant answer."""
    expected = json.loads(content)

    def is_correct(answer: bytes) -> bool:
        return bool(json.loads(answer) == expected)

    return Target(name, server, path, forecast_body(1), is_correct, counts)


def read_points(answer: dict[str, Any]) -> list[list[float]]:
    """Return the points of a forecast response, a list for each series."""
    return [each["point"] for each in answer["forecasts"]]


def _are_equal(
    forecasts: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]
) -> bool:
    """Return whether forecasts have 12 steps and are equal up to float32 rounding."""
    return len(forecasts) == len(expected) and all(
        len(ours) == HORIZON == len(theirs) and all(map(_is_close, ours, theirs))
        for ours, theirs in zip(forecasts, expected, strict=True)
    )


def _is_close(value: float, expected: float) -> bool:
    return math.isclose(value, expected, rel_tol=1e-4, abs_tol=1e-2)
