"""The synchronous and the asynchronous client, with the same calls."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx

from serving.client import calls
from serving.client.answers import (
    Explanation,
    ModelDetails,
    ModelSummary,
    SequenceDetails,
    SequenceSummary,
)
from serving.client.calls import Call, version_query
from serving.client.retries import Outcome, Retries
from serving.client.sequence_methods import AsyncSequenceMethods, SequenceMethods
from serving.client.series import Data, RequiredData

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
URL = "http://127.0.0.1:8000"
LEVELS = (80.0, 95.0)
HORIZON = 14  # of a forecast without a trained model
RETRIES = Retries()
TIMEOUT = 30.0  # seconds for a connection, and between two pieces of an answer


class Client(SequenceMethods):
    """A synchronous client of the service; close it, or use it in a ``with`` block.

    Every call raises `ProblemAnswer` when the service refuses, and `Unreachable` when
    it does not answer.

    Args:
        url: of the service.
        api_key: if the service requires one.
        timeout: seconds for a connection, and between two pieces of an answer.
        retries: number and pauses of repeated requests.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        retries: Retries = RETRIES,
    ) -> None:
        self._http = httpx.Client(**_options(url, api_key, timeout))
        self._retries = retries

    def forecast(
        self,
        model: str,
        data: Data = None,
        *,
        horizon: int | None = None,
        levels: Sequence[float] = LEVELS,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return forecasts: ``series_id, step, timestamp, point, lower_80, ...``.

        Timestamps are in the time zone of a frame's ``timestamp``.

        Args:
            model: name in the registry.
            data: a long frame with columns ``series_id``, ``timestamp`` (each may be
                left out) and ``target``; values by series id; series from `series_of`;
                or None to continue the series of the training.
            horizon: steps ahead; default: the horizon of the training.
            levels: central intervals in percent.
            alias: of the version; default: the service's alias.
            version: number of the version, instead of an alias.
        """
        query = version_query(alias, version)
        return self._send(calls.forecast(model, data, horizon, levels, query))

    def zero_shot(
        self,
        data: RequiredData,
        *,
        horizon: int = HORIZON,
        levels: Sequence[float] = LEVELS,
        freq: str | None = None,
        season_length: int | Literal["auto"] = "auto",
    ) -> "pd.DataFrame":
        """Return forecasts without a trained model, as `forecast` does.

        Args:
            data: as in `forecast`; all series have one frequency.
            horizon: steps ahead.
            levels: central intervals in percent.
            freq: pandas alias of the frequency; default: that of the timestamps.
            season_length: steps of a season; 1 for none; ``auto`` lets the frequency
                and the values decide.
        """
        call = calls.zero_shot(data, horizon, levels, freq, season_length)
        return self._send(call)

    def explain(
        self,
        model: str,
        data: Data = None,
        *,
        horizon: int | None = None,
        network: bool = False,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> Explanation:
        """Return the dependence of each step on each observation; see `forecast`.

        With ``network``, that of the network by itself instead of the method that
        answers.
        """
        query = version_query(alias, version)
        return self._send(calls.explain(model, data, horizon, query, network=network))

    def models(self) -> list[ModelSummary | SequenceSummary]:
        """Return the models that answer under the service's alias."""
        return self._send(calls.models())

    def model(
        self,
        name: str,
        *,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> ModelDetails | SequenceDetails:
        """Return a model's inputs, training data and accuracy."""
        return self._send(calls.model(name, version_query(alias, version)))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        tries, pause = 0, 0.0
        while True:
            time.sleep(pause)
            tries, outcome = tries + 1, self._try(call)
            next_pause = self._retries.pause(tries, outcome)
            if next_pause is None:
                return call.result(outcome, str(self._http.base_url), tries)
            pause = next_pause

    def _try(self, call: Call[Any]) -> Outcome:
        try:
            return self._http.request(
                call.method, call.path, params=call.query, json=call.body
            )
        except httpx.TransportError as error:
            return error


class AsyncClient(AsyncSequenceMethods):
    """An asynchronous client; close it, or use it in an ``async with`` block.

    The calls, their arguments and their errors are those of `Client`.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        retries: Retries = RETRIES,
    ) -> None:
        self._http = httpx.AsyncClient(**_options(url, api_key, timeout))
        self._retries = retries

    async def forecast(
        self,
        model: str,
        data: Data = None,
        *,
        horizon: int | None = None,
        levels: Sequence[float] = LEVELS,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return forecasts: see `Client.forecast`."""
        query = version_query(alias, version)
        return await self._send(calls.forecast(model, data, horizon, levels, query))

    async def zero_shot(
        self,
        data: RequiredData,
        *,
        horizon: int = HORIZON,
        levels: Sequence[float] = LEVELS,
        freq: str | None = None,
        season_length: int | Literal["auto"] = "auto",
    ) -> "pd.DataFrame":
        """Return forecasts without a trained model: see `Client.zero_shot`."""
        call = calls.zero_shot(data, horizon, levels, freq, season_length)
        return await self._send(call)

    async def explain(
        self,
        model: str,
        data: Data = None,
        *,
        horizon: int | None = None,
        network: bool = False,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> Explanation:
        """Return the dependence on each observation: see `Client.explain`."""
        query = version_query(alias, version)
        return await self._send(
            calls.explain(model, data, horizon, query, network=network)
        )

    async def models(self) -> list[ModelSummary | SequenceSummary]:
        """Return the models that answer under the service's alias."""
        return await self._send(calls.models())

    async def model(
        self,
        name: str,
        *,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> ModelDetails | SequenceDetails:
        """Return a model's inputs, training data and accuracy: see `Client.model`."""
        return await self._send(calls.model(name, version_query(alias, version)))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _send(self, call: Call[T]) -> T:
        tries, pause = 0, 0.0
        while True:
            await asyncio.sleep(pause)
            tries, outcome = tries + 1, await self._try(call)
            next_pause = self._retries.pause(tries, outcome)
            if next_pause is None:
                return call.result(outcome, str(self._http.base_url), tries)
            pause = next_pause

    async def _try(self, call: Call[Any]) -> Outcome:
        try:
            return await self._http.request(
                call.method, call.path, params=call.query, json=call.body
            )
        except httpx.TransportError as error:
            return error


def _options(url: str, api_key: str | None, timeout: float) -> dict[str, Any]:
    headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    return {"base_url": url, "headers": headers, "timeout": timeout}
