"""The series that a report draws: history, past forecasts and the forecast ahead."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from forecasting.data.forecast import Forecast
from forecasting.display.html import shorten
from forecasting.display.numbers import readable
from forecasting.display.wording import count
from forecasting.errors import ForecastingError, MissingCovariates
from forecasting.forecaster.forecaster import Forecaster
from forecasting.report.svg import MAX_POINTS, Band, Chart, Curve, draw, thin_out
from forecasting.timestamps.zones import format_moments
from forecasting.track_record.record import TrackRecord
from forecasting.types import IntArray

MAX_SERIES = 3
CONTEXT_SHARE = 0.25  # of a drawn backtest: observations before its first cutoff
MAX_LABELS = 6


def choose_series(record: TrackRecord) -> list[tuple[int, str]]:
    """Return the series to draw, with the reason: smallest, middle, largest error."""
    ranked = [
        place
        for place in record.by_error
        if place in record.tested and math.isfinite(record.figures.mae[place])
    ]
    if not ranked:
        return [(place, "") for place in range(min(len(record.history), 1))]
    if len(ranked) == 1:
        return [(ranked[0], "")]
    middle = (ranked[len(ranked) // 2], "the middle error of all series")
    ends = [(ranked[0], "the largest error"), (ranked[-1], "the smallest error")]
    chosen = [ends[0], middle, ends[1]] if len(ranked) > 2 else ends
    return chosen[:MAX_SERIES]


def forecast_ahead(
    forecaster: Forecaster, names: Sequence[str], levels: Sequence[float]
) -> tuple[Forecast | None, str]:
    """Return the forecast after the training, and why there is none if so.

    Args:
        forecaster: the model.
        names: ids of the series.
        levels: of the intervals, in percent.
    """
    context = forecaster.trained.context
    places = {name: place for place, name in enumerate(context.series_ids)}
    rows = [places[name] for name in names if name in places]
    if not rows:
        return None, "The model does not forecast these series."
    try:
        return forecaster.predict(context.select(np.array(rows)), levels=levels), ""
    except MissingCovariates as error:
        name = shorten(error.details[1], 40)
        return None, f"No forecast ahead is drawn: it needs the plan of {name}."
    except ForecastingError as error:
        return None, f"No forecast ahead is drawn: {error}"


def _first_drawn(record: TrackRecord, place: int) -> int:
    """Return the first observation of the chart of the latest part."""
    length = int(record.history.lengths[place])
    row = record.tested.get(place)
    first = length - MAX_POINTS // 2
    if row is not None:
        cutoff = int(record.backtest.ends[row, 0])
        first = cutoff - max(int((length - cutoff) * CONTEXT_SHARE), 2)
    return max(first, length - MAX_POINTS, 0)


def draw_latest(
    record: TrackRecord, place: int, reason: str, ahead: Forecast | None, note: str
) -> Chart:
    """Return the chart of past forecasts over the values that came.

    Args:
        record: history and past forecasts.
        place: position of the series in the history.
        reason: why this series is drawn; empty without one.
        ahead: forecast after the last observation, of several series.
        note: sentence below the chart.
    """
    history, name = record.history, record.history.series_ids[place]
    begin, end = history.offsets[place : place + 2].tolist()
    first = _first_drawn(record, place)
    x = np.arange(first, end - begin)
    curves = [Curve("observed", x, history.values[begin + first : end])]
    past, bands, drawn = _past_curves(record, place, first)
    curves += past
    stamps = history.timestamps[begin + first : end]
    row = ahead.series_ids.index(name) if ahead and name in ahead.series_ids else None
    legend = [("observed", "observed")]
    if past:
        level = _narrowest(record)
        legend += [("past", f"forecast at the time ({drawn} cutoffs)")]
        legend += [("past-band", f"its {level:g} % interval")] if bands else []
    if ahead is not None and row is not None:
        steps = np.arange(end - begin, end - begin + ahead.horizon)
        for lower, upper in list(ahead.intervals.values())[:1]:
            bands.append(Band("ahead-band", steps, lower[row], upper[row]))
        curves.append(Curve("ahead", steps, ahead.points[row], has_dots=True))
        legend.append(("ahead", "forecast ahead"))
        if ahead.timestamps is not None:
            stamps = np.concatenate([stamps, ahead.timestamps[row]])
    if drawn < record.evaluation.folds and past:
        cutoffs = count(record.evaluation.folds, "cutoff")
        note = f"The latest {drawn} of {cutoffs} are drawn. {note}".strip()
    title = f"{shorten(name, 60)}: {reason}" if reason else shorten(name, 60)
    return draw(
        title,
        _describe(record, place, ahead, row),
        curves,
        bands,
        _labels(stamps, history.calendar.zone, first),
        legend,
        note=note,
    )


def _narrowest(record: TrackRecord) -> float:
    return min(record.evaluation.levels, default=math.nan)


def _past_curves(
    record: TrackRecord, place: int, first: int
) -> tuple[list[Curve], list[Band], int]:
    """Return past forecasts with their narrowest interval, and the number of them."""
    row = record.tested.get(place)
    if row is None:
        return [], [], 0
    past, horizon = record.backtest, record.evaluation.horizon
    levels = len(record.evaluation.levels)
    curves, bands = [], []
    for fold, end in enumerate(past.ends[row].tolist()):
        if end < first:
            continue
        x: IntArray = np.arange(end, end + horizon)
        curves.append(Curve("past", x, past.points[row, fold], has_dots=True))
        if levels:
            lower, upper = past.bounds[0, row, fold], past.bounds[levels, row, fold]
            bands.append(Band("past-band", x, lower, upper))
    return curves, bands, len(curves)


def draw_history(record: TrackRecord, place: int) -> Chart | None:
    """Return the chart of all observations of a series; None if the other has them."""
    if _first_drawn(record, place) == 0:
        return None
    history = record.history
    points = slice(*history.offsets[place : place + 2].tolist())
    values = history.values[points]
    drawn, run = thin_out(values)
    note = ""
    if run > 1:
        note = f"Drawn by the lowest and highest of each {run} observations."
    stamps, zone = history.timestamps[points], history.calendar.zone
    name = shorten(history.series_ids[place], 60)
    low, high = readable(float(values.min())), readable(float(values.max()))
    first, last = _short(stamps[[0, -1]], zone)
    return draw(
        f"All {len(values):,} observations of {name}",
        f"From {first} to {last}, between {low} and {high}.",
        [Curve("observed", drawn, values[drawn])],
        [],
        _labels(stamps, zone, 0),
        [("observed", "observed")],
        note=note,
    )


def _describe(
    record: TrackRecord, place: int, ahead: Forecast | None, row: int | None
) -> str:
    """Return the text alternative of the chart of a series."""
    figures, zone = record.figures, record.history.calendar.zone
    last = record.history.offsets[place + 1] - 1
    [until] = _short(record.history.timestamps[[last]], zone)
    value = readable(float(record.history.values[last]))
    text = f"The last observation, {until}, is {value}."
    if math.isfinite(figures.mae[place]):
        error = readable(float(figures.mae[place]), 3)
        text += f" Past forecasts were off by {error} on average."
    if ahead is not None and row is not None:
        points = ", ".join(readable(float(v)) for v in ahead.points[row][:14])
        rest = "" if ahead.horizon <= 14 else f", ... ({ahead.horizon} steps)"
        text += f" The forecast ahead is {points}{rest}."
    return text


def _labels(
    stamps: npt.NDArray[np.generic], zone: str | None, first: int
) -> list[tuple[int, str]]:
    """Return a few marks of the time axis: positions and dates."""
    places = np.linspace(0, len(stamps) - 1, min(MAX_LABELS, len(stamps)))
    rows = places.round().astype(int)
    texts = _short(stamps[rows], zone)
    return [(first + row, text) for row, text in zip(rows.tolist(), texts, strict=True)]


def _short(stamps: npt.NDArray[np.generic], zone: str | None) -> list[str]:
    """Return timestamps as short text: no midnights, seconds or offsets."""
    if stamps.dtype.kind != "M":
        return [str(stamp) for stamp in stamps.tolist()]
    texts = [text[:16].replace("T", " ") for text in format_moments(stamps, zone)]
    if all(text.endswith("00:00") for text in texts):
        return [text[:10] for text in texts]
    return texts
