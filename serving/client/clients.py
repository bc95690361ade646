"""The two clients: the same calls, one waits in its thread, the other in its task."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from serving.client import calls
from serving.client.answers import Explanation, ModelDetails, ModelSummary
from serving.client.calls import Call, which
from serving.client.retries import Outcome, Retries
from serving.client.series import Data

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
URL = "http://127.0.0.1:8000"
LEVELS = (80.0, 95.0)
RETRIES = Retries()
TIMEOUT = 30.0  # seconds for a connection, and between two pieces of an answer


class Client:
    """Asks a service; to be closed, or used in a ``with`` block.

    Every call raises `ProblemAnswer` when the service refuses, and `Unreachable` when
    it does not answer.

    Args:
        url: of the service.
        api_key: if the service wants one.
        timeout: seconds for a connection, and between two pieces of an answer.
        retries: when to ask again.
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

        Args:
            model: name in the registry.
            data: a long frame with columns ``series_id``, ``timestamp`` (each may be
                left out) and ``target``; values by series id; what `series_of` returns;
                or None: the series seen in training go on.
            horizon: steps ahead; default as trained.
            levels: central intervals in percent.
            alias: of the version to ask; default the service's.
            version: number of the version to ask.
        """
        query = which(alias, version)
        return self._send(calls.forecast(model, data, horizon, levels, query))

    def explain(
        self,
        model: str,
        data: Data = None,
        *,
        horizon: int | None = None,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> Explanation:
        """Return how strongly each step depends on each observation; see `forecast`."""
        query = which(alias, version)
        return self._send(calls.explain(model, data, horizon, query))

    def models(self) -> list[ModelSummary]:
        """Return the models that answer under the service's alias."""
        return self._send(calls.models())

    def model(
        self,
        name: str,
        *,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> ModelDetails:
        """Return what a request to a model needs, what it has seen, how good it is."""
        return self._send(calls.model(name, which(alias, version)))

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
            again = self._retries.pause(tries, outcome)
            if again is None:
                return call.settle(outcome, str(self._http.base_url), tries)
            pause = again

    def _try(self, call: Call[Any]) -> Outcome:
        try:
            return self._http.request(
                call.method, call.path, params=call.query, json=call.body
            )
        except httpx.TransportError as error:
            return error


class AsyncClient:
    """Asks a service from tasks; to be closed, or used in an ``async with`` block.

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
        query = which(alias, version)
        return await self._send(calls.forecast(model, data, horizon, levels, query))

    async def explain(
        self,
        model: str,
        data: Data = None,
        *,
        horizon: int | None = None,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> Explanation:
        """Return what a forecast depends on: see `Client.explain`."""
        query = which(alias, version)
        return await self._send(calls.explain(model, data, horizon, query))

    async def models(self) -> list[ModelSummary]:
        """Return the models that answer under the service's alias."""
        return await self._send(calls.models())

    async def model(
        self,
        name: str,
        *,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> ModelDetails:
        """Return what there is to say of a model: see `Client.model`."""
        return await self._send(calls.model(name, which(alias, version)))

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
            again = self._retries.pause(tries, outcome)
            if again is None:
                return call.settle(outcome, str(self._http.base_url), tries)
            pause = again

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
