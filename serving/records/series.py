"""Pages of the series of a model, of their observations and of their past forecasts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from forecasting.data.covariates import Column
from forecasting.track_record.record import TrackRecord
from serving.records.lookup import find_series
from serving.records.timestamps import encode_timestamps
from serving.schemas.records import MAX_PAGE, BacktestQuery, HistoryQuery, SeriesQuery
from serving.schemas.timestamps import format_timestamps

Plain = dict[str, Any]  # for orjson, which encodes arrays of numbers too


def list_series(record: TrackRecord, query: SeriesQuery) -> Plain:
    """Return a page of the series with the search in their names, see `SeriesList`."""
    order = record.by_name if query.sort == "name" else record.by_error
    text = query.search.casefold()
    if text:
        folded = record.folded
        order = [place for place in order if text in folded[place]]
    page = order[query.offset : query.offset + query.limit]
    return {
        "total": len(order),
        "offset": query.offset,
        "left_out": record.left_out,
        "series": _entries(record, page),
    }


def _entries(record: TrackRecord, places: list[int]) -> list[Plain]:
    figures, zone = record.figures, record.history.calendar.zone
    first = format_timestamps(figures.first[places], zone) if places else []
    last = format_timestamps(figures.last[places], zone) if places else []
    return [
        {
            "id": figures.series_ids[place],
            "method": figures.methods[place] or None,
            "observations": int(figures.observations[place]),
            "first": first[row],
            "last": last[row],
            "mae": float(figures.mae[place]),
            "baseline_mae": float(figures.baseline_mae[place]),
            "coverage": by_level(record, figures.coverage[place].tolist()),
        }
        for row, place in enumerate(places)
    ]


def show_history(record: TrackRecord, query: HistoryQuery) -> Plain:
    """Return a page of the observations of a series, see `SeriesHistory`.

    Raises:
        UnknownSeriesId, HistoryLeftOut: see `find_series`.
    """
    history, place = record.history, find_series(record, query.id)
    begin, end = history.offsets[place : place + 2].tolist()
    total = end - begin
    offset = max(total - query.limit, 0) if query.offset is None else query.offset
    page = slice(min(begin + offset, end), min(begin + offset + query.limit, end))
    calendar = history.calendar
    return {
        "id": query.id,
        "target": history.target,
        "freq": calendar.freq,
        "zone": calendar.zone,
        "total": total,
        "offset": offset,
        "timestamps": encode_timestamps(history.timestamps[page], calendar.zone),
        "values": history.values[page],
        "known_covariates": {
            name: _encodable(column[page])
            for name, column in history.covariates.items()
        },
        "future": _future(record, place),
    }


def _future(record: TrackRecord, place: int) -> Plain:
    """Return the steps after the end of a series, with the plan stored for them."""
    history, horizon = record.history, record.evaluation.horizon
    last = history.timestamps[history.offsets[place + 1] - 1 :][:1]
    plan: dict[str, Any] = dict.fromkeys(history.covariates)
    for name, ahead in history.future.items():
        begin, end = ahead.offsets[place : place + 2].tolist()
        if end > begin:
            plan[name] = _encodable(ahead.values[begin : min(end, begin + horizon)])
    [stamps] = history.calendar.future(last, horizon)
    return {
        "timestamps": format_timestamps(stamps, history.calendar.zone),
        "known_covariates": plan,
    }


def show_backtest(record: TrackRecord, query: BacktestQuery) -> Plain:
    """Return a page of the past forecasts of a series, see `SeriesBacktest`.

    Raises:
        UnknownSeriesId, HistoryLeftOut: see `find_series`.
    """
    evaluation, place = record.evaluation, find_series(record, query.id)
    row = record.tested.get(place)
    limit = min(query.limit, max(MAX_PAGE // evaluation.horizon, 1))
    folds = [] if row is None else range(evaluation.folds)
    return {
        "id": query.id,
        "levels": evaluation.levels,
        "baseline": describe_name(evaluation.baseline),
        "total": len(folds),
        "offset": query.offset,
        "forecasts": [
            _past_forecast(record, row, fold)
            for fold in folds[query.offset : query.offset + limit]
            if row is not None
        ],
    }


def _past_forecast(record: TrackRecord, row: int, fold: int) -> Plain:
    history, past = record.history, record.backtest
    begin = int(history.offsets[past.series[row]] + past.ends[row, fold])
    steps = slice(begin, begin + record.evaluation.horizon)
    zone = history.calendar.zone
    stamps = format_timestamps(history.timestamps[begin - 1 : steps.stop], zone)
    bounds, levels = past.bounds[:, row, fold], len(record.evaluation.levels)
    pairs = [
        {"lower": bounds[level], "upper": bounds[levels + level]}
        for level in range(levels)
    ]
    return {
        "cutoff": stamps[0],
        "timestamps": stamps[1:],
        "point": past.points[row, fold],
        "actual": history.values[steps],
        "baseline_point": past.baseline[row, fold],
        "intervals": by_level(record, pairs),
    }


def by_level(record: TrackRecord, values: list[Any]) -> Mapping[str, Any]:
    """Return one value for each level by its name: ``80``."""
    names = [f"{level:g}" for level in record.evaluation.levels]
    return dict(zip(names, values, strict=True))


def describe_name(name: str) -> str:
    """Return the name of a model of the leaderboard in words."""
    return name.replace("_", " ")


def _encodable(column: Column) -> Any:
    """Return a covariate for orjson: numbers as they are, text as a list."""
    values: npt.NDArray[Any] = column
    return values.tolist() if values.dtype == object else np.ascontiguousarray(values)
