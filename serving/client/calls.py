"""Requests of the client, each with the parser of its response."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx

from serving.client.answers import (
    Explanation,
    ModelDetails,
    ModelSummary,
    SequenceDetails,
    SequenceSummary,
    to_frame,
)
from serving.client.failures import ProblemAnswer, Unreachable
from serving.client.retries import Outcome
from serving.client.series import TIMESTAMP, Data, RequiredData, to_series
from serving.client.stamps import find_clocks

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request with the parser of its response."""

    path: str
    query: dict[str, str]
    body: dict[str, Any] | None
    read: Callable[[Any], T]

    @property
    def method(self) -> str:
        """HTTP method: POST with a body, else GET."""
        return "GET" if self.body is None else "POST"

    def result(self, outcome: Outcome, url: str, tries: int) -> T:
        """Return the parsed response of the last try, or raise its error.

        Raises:
            Unreachable: there was no response.
            ProblemAnswer: the service refused the request.
        """
        if isinstance(outcome, httpx.TransportError):
            reason = str(outcome) or type(outcome).__name__
            raise Unreachable(url, reason, tries) from outcome
        if not outcome.is_success:
            raise ProblemAnswer(outcome)
        return self.read(outcome.json())


def forecast(
    model: str,
    data: Data,
    horizon: int | None,
    levels: Sequence[float],
    query: dict[str, str],
) -> Call["pd.DataFrame"]:
    """Return the call for a forecast."""
    body = _body(data, horizon) | {"levels": list(levels)}
    read = partial(to_frame, clocks=find_clocks(data, TIMESTAMP))
    return Call(f"{model_path(model)}/forecast", query, body, read)


def zero_shot(
    data: RequiredData,
    horizon: int,
    levels: Sequence[float],
    freq: str | None,
    season_length: int | Literal["auto"],
) -> Call["pd.DataFrame"]:
    """Return the call for a forecast without a trained model."""
    body = _body(data, horizon) | {
        "levels": list(levels),
        "freq": freq,
        "season_length": season_length,
    }
    read = partial(to_frame, clocks=find_clocks(data, TIMESTAMP))
    return Call("/v1/forecast", {}, body, read)


def explain(
    model: str,
    data: Data,
    horizon: int | None,
    query: dict[str, str],
    *,
    network: bool,
) -> Call[Explanation]:
    """Return the call for an explanation."""
    body = _body(data, horizon) | ({"network": True} if network else {})
    return Call(f"{model_path(model)}/explain", query, body, _identity)


def models() -> Call[list[ModelSummary | SequenceSummary]]:
    """Return the call for all models."""
    return Call("/v1/models", {}, None, lambda answer: list(answer["models"]))


def model(name: str, query: dict[str, str]) -> Call[ModelDetails | SequenceDetails]:
    """Return the call for one model."""
    return Call(model_path(name), query, None, _identity)


def version_query(alias: str | None, version: int | str | None) -> dict[str, str]:
    """Return the query parameters that select a version."""
    parameters = {"alias": alias, "version": version}
    return {key: str(value) for key, value in parameters.items() if value is not None}


def model_path(model: str) -> str:
    """Return the address of a model."""
    return f"/v1/models/{quote(model, safe='')}"


def _body(data: Data, horizon: int | None) -> dict[str, Any]:
    fields = {"series": to_series(data), "horizon": horizon}
    return {key: value for key, value in fields.items() if value is not None}


def _identity(answer: Any) -> Any:
    return answer
