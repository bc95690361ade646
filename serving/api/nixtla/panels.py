"""Conversion of the client's series to a `Panel`."""

from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.parsing import parse_timestamps
from forecasting.types import Timestamps
from serving.api.nixtla.frequencies import check_frequency, current_frequency
from serving.api.nixtla.requests import NixtlaRequest
from serving.errors import MAX_FLAWS, RequestError
from serving.forecasts.zeroshot.model import make_panel as make_panel_of
from serving.forecasts.zeroshot.time_axis import calendar_of
from serving.http.locations import FlawLocations, located_errors

LOCATIONS = FlawLocations(("body", "h"), ("body", "level"), ("body", "series"))


def make_panel(request: NixtlaRequest, fitted: TrainedModel) -> Panel:
    """Return the series of a request as a panel on the model's calendar.

    The series have no names, so that each counts as not seen in training; their
    timestamps follow their start on the calendar.

    Raises:
        RequestError: the model cannot forecast such series.
    """
    sent, calendar = request.series, replace(fitted.context.calendar, zone=None)
    if fitted.covariates.columns:
        text = (
            "the model has covariates, and this client sends them without names: ask "
            "POST /v1/models/NAME/forecast"
        )
        raise RequestError([(("body", "model"), text)])
    names = _names(len(sent.sizes), fitted)
    pieces = np.split(np.asarray(sent.y, dtype=np.float64), np.cumsum(sent.sizes)[:-1])
    stamps = None
    if sent.start_datetime is not None:
        stamps = _timestamps(sent.start_datetime, sent.sizes, request.freq, calendar)
    elif fitted.covariates.cycles:
        text = "this model takes the seasons from the timestamps: send datetimes"
        raise RequestError([(("body", "series", "start_datetime"), text)])
    with located_errors(LOCATIONS):
        return Panel.from_values(
            dict(zip(names, pieces, strict=True)),
            timestamps=None
            if stamps is None
            else dict(zip(names, stamps, strict=True)),
            trained=calendar,
        )


def make_plain_panel(request: NixtlaRequest) -> Panel:
    """Return the series of a request as a panel on the calendar of its frequency.

    For integer timestamps the client sends no start, and a frequency without meaning.

    Raises:
        RequestError: the frequency is none.
    """
    sent, freq = request.series, None
    if sent.start_datetime is not None:
        freq = current_frequency(request.freq)
    with located_errors(LOCATIONS):
        calendar = calendar_of(freq)
    offsets = np.cumsum([0, *sent.sizes])
    return make_panel_of(np.asarray(sent.y, dtype=np.float64), offsets, calendar)


def _names(count: int, fitted: TrainedModel) -> list[str]:
    """Return a new name for each series, distinct from those seen in training."""
    prefix = ""
    while any(f"{prefix}{row}" in fitted.places for row in range(count)):
        prefix += "#"
    return [f"{prefix}{row}" for row in range(count)]


def _timestamps(
    starts: list[str], sizes: list[int], freq: str, calendar: Calendar
) -> list[Timestamps]:
    loc = ("body", "series", "start_datetime")
    if calendar.freq is None:
        text = "this model's series have no dates: make the time column integers"
        raise RequestError([(loc, text)])
    check_frequency(freq, calendar)
    with located_errors(LOCATIONS._replace(series=loc)):
        column = pd.Series(starts, dtype=object)
        times = parse_timestamps("start_datetime", column, "series {}".format)
        parsed = times.moments
    misplaced = np.flatnonzero(
        calendar.advance(parsed, np.zeros(1, np.int64)) != parsed
    )
    if len(misplaced):
        text = f"it does not lie on the model's calendar, {calendar.freq!r}"
        raise RequestError([((*loc, int(row)), text) for row in misplaced[:MAX_FLAWS]])
    return [
        calendar.advance(start, np.arange(size))
        for start, size in zip(parsed, sizes, strict=True)
    ]
