"""Requests as arrays of the predictor, with the timestamps of the steps ahead as JSON.

Evenly spaced timestamps are read from their text; others are parsed by the library.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import torch

from forecasting.data.panel import Panel
from forecasting.data.splits import last_origins
from forecasting.forecaster.history import CovariateRows, Histories
from forecasting.forecaster.predict import read_histories
from forecasting.types import FloatArray
from serving.forecasts.covariate_windows import (
    CovariateWindows,
    cut_windows,
    encode_windows,
)
from serving.forecasts.panels import check_series, has_plain_series, to_panel
from serving.forecasts.timestamps import future_timestamps
from serving.http.locations import located_errors
from serving.registry.loaded_model import LoadedModel
from serving.schemas.request import ForecastRequest
from serving.schemas.timestamps import format_timestamps


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestArrays:
    """The arguments of the forecast that a request asks for.

    Attributes:
        series_ids: names of the series, ``(series,)``.
        values: their observations, oldest first.
        covariates: of the windows before and after the origins; None without any.
        histories: all of these as arrays, of series that are parsed as a panel.
        steps: steps ahead.
        levels: levels of the intervals, in the order of the request.
        timestamps: of the steps ahead as JSON, one text per series; None for series
            without timestamps.
    """

    series_ids: Sequence[str]
    values: Sequence[Sequence[float]] = ()
    covariates: CovariateWindows | None = None
    histories: Histories | None = None
    steps: int
    levels: tuple[float, ...]
    timestamps: Sequence[bytes] | None

    def __len__(self) -> int:
        return len(self.series_ids)


def make_arrays(request: ForecastRequest, model: LoadedModel) -> RequestArrays:
    """Return the arrays of a request with series.

    Raises:
        RequestError: series cannot be used; names the location of each.
        NotConsecutive: timestamps are not evenly spaced text: see `parse_arrays`.
    """
    series, fitted = request.series or [], model.predictor.model
    steps = request.horizon or model.forecaster.windows.horizon
    columns = None
    if not has_plain_series(series, fitted):
        columns = check_series(series, fitted, horizon=steps)
    timestamps, covariates = None, None
    if series[0].timestamps is not None:
        stamps = [history.timestamps or () for history in series]
        timestamps = future_timestamps(fitted.context.calendar, stamps, steps)
    if columns is not None and fitted.covariates:
        covariates = cut_windows(series, fitted, columns, steps)
    return RequestArrays(
        series_ids=[history.id for history in series],
        values=[history.values for history in series],
        covariates=covariates,
        steps=steps,
        levels=tuple(request.levels),
        timestamps=timestamps,
    )


def parse_arrays(request: ForecastRequest, model: LoadedModel) -> RequestArrays:
    """Return the arrays of a request with any timestamps, or without series.

    Timestamps are parsed by pandas, which takes milliseconds: call it in a thread.

    Raises:
        RequestError: series cannot be used; names the location of each.
    """
    series, fitted = request.series, model.predictor.model
    steps = request.horizon or model.forecaster.windows.horizon
    panel, is_dated, sent = fitted.context, True, None
    if series is not None:
        columns = check_series(series, fitted, horizon=steps)
        panel, sent = to_panel(series, fitted, columns)
        is_dated = series[0].timestamps is not None
    histories = _read_panel(panel, model, steps)
    timestamps = None
    with located_errors():
        calendar = fitted.context.calendar.continued_by(panel.calendar)
        future = calendar.future(panel.last_timestamps(), steps)
    if is_dated:
        rows = (
            format_timestamps(future, calendar.zone)
            if sent is None
            else sent.format(future)
        )
        timestamps = [orjson.dumps(row) for row in rows]
    return RequestArrays(
        series_ids=panel.series_ids,
        histories=histories,
        steps=steps,
        levels=tuple(request.levels),
        timestamps=timestamps,
    )


@dataclass(frozen=True, slots=True)
class TrainedBatches:
    """A version in memory as a model of batches."""

    model: LoadedModel

    @property
    def name(self) -> str:
        """Name in the registry."""
        return self.model.name

    @property
    def key(self) -> int:
        """Identity of the version in memory."""
        return id(self.model)

    def work(self, requests: Sequence[RequestArrays], steps: int) -> int:
        """Return the cost of requests in multiplications of the networks."""
        return self.model.predictor.work(sum(map(len, requests)), steps)

    def forecast(
        self, requests: Sequence[RequestArrays], steps: int, levels: tuple[float, ...]
    ) -> tuple[FloatArray, FloatArray, Sequence[str]]:
        """Return points, bounds and methods of requests, one after another.

        Raises:
            InvalidValues: as `Predictor.forecast`.
        """
        histories = join_histories(requests, self.model)
        lengths = histories.ends - histories.begins
        methods = self.model.predictor.model.answering_methods(
            histories.places, lengths
        )
        points, bounds = self.model.predictor.forecast(
            histories, steps=steps, levels=levels
        )
        return points, bounds, methods


def join_histories(requests: Sequence[RequestArrays], model: LoadedModel) -> Histories:
    """Return the histories of requests with the same steps ahead, one after another."""
    if any(request.histories is not None for request in requests):
        parts = [
            request.histories or join_histories([request], model)
            for request in requests
        ]
        return parts[0] if len(parts) == 1 else _concatenate(parts, requests[0], model)
    fitted = model.predictor.model
    names = [name for request in requests for name in request.series_ids]
    values = [values for request in requests for values in request.values]
    windows = [request.covariates for request in requests if request.covariates]
    covariates = encode_windows(windows, fitted) if windows else None
    return Histories.from_lists(values, fitted.find_places(names), covariates)


def _concatenate(
    parts: Sequence[Histories], request: RequestArrays, model: LoadedModel
) -> Histories:
    num_steps = model.predictor.model.count_rolled_steps(request.steps)
    shifts = np.cumsum([0, *(len(part.values) for part in parts[:-1])])
    pairs = [*zip(parts, shifts, strict=True)]
    tensors = [
        part.covariates.take(slice(None), 0, model.predictor.model.seq_len + num_steps)
        for part in parts
        if part.covariates is not None
    ]
    return Histories(
        values=np.concatenate([part.values for part in parts]),
        begins=np.concatenate([part.begins + shift for part, shift in pairs]),
        ends=np.concatenate([part.ends + shift for part, shift in pairs]),
        places=np.concatenate([part.places for part in parts]),
        covariates=CovariateRows(torch.cat(tensors)) if tensors else None,
    )


def _read_panel(panel: Panel, model: LoadedModel, steps: int) -> Histories:
    with located_errors():
        return read_histories(model.predictor, panel, last_origins(panel), steps)
