"""Figures of the backtest of a model: leaderboard, error by step, worst forecasts."""

import math
from typing import Any

from forecasting.track_record.record import Scores, TrackRecord
from forecasting.track_record.worst import Moment, find_worst_moments
from serving.records.series import Plain, by_level, describe_name
from serving.schemas.timestamps import format_timestamps

MAX_WORST_SERIES, MAX_WORST_MOMENTS = 20, 20
SCORES = ("mae", "rmse", "mase", "skill", "skill_lower", "skill_upper")


def show_evaluation(record: TrackRecord) -> Plain:
    """Return the figures of a model, see `ModelEvaluation`."""
    evaluation, figures = record.evaluation, record.figures
    worst = [place for place in record.by_error if math.isfinite(figures.mae[place])]
    return {
        "target": record.history.target,
        "metric": evaluation.metric,
        "baseline": describe_name(evaluation.baseline),
        "folds": evaluation.folds,
        "origins": evaluation.origins,
        "horizon": evaluation.horizon,
        "num_series": record.num_series,
        "left_out": record.left_out,
        "season_length": evaluation.season_length,
        "evidence": evaluation.evidence,
        "levels": evaluation.levels,
        "leaderboard": [
            _leaderboard_row(record, model, scores)
            for model, scores in evaluation.leaderboard.items()
        ],
        "by_step": [
            _name(record, model) | {"mae": errors}
            for model, errors in evaluation.by_step.items()
        ],
        "methods": evaluation.methods,
        "worst_series": [
            {
                "id": figures.series_ids[place],
                "mae": float(figures.mae[place]),
                "baseline_mae": float(figures.baseline_mae[place]),
            }
            for place in worst[:MAX_WORST_SERIES]
        ],
        "worst_moments": [
            _moment(record, moment)
            for moment in find_worst_moments(record, MAX_WORST_MOMENTS)
        ],
    }


def _name(record: TrackRecord, model: str) -> dict[str, Any]:
    serves = model == record.evaluation.label
    return {"model": describe_name(model), "serves": serves}


def _leaderboard_row(record: TrackRecord, model: str, scores: Scores) -> Plain:
    levels = record.evaluation.levels
    coverage = [scores.get(f"coverage_{level:g}", math.nan) for level in levels]
    numbers = {name: scores.get(name, math.nan) for name in SCORES}
    return _name(record, model) | numbers | {"coverage": by_level(record, coverage)}


def _moment(record: TrackRecord, moment: Moment) -> Plain:
    history, row = record.history, record.tested[moment.series]
    start = history.offsets[moment.series] + record.backtest.ends[row, moment.fold]
    places = [int(start) - 1, int(start) + moment.step]
    cutoff, stamp = format_timestamps(history.timestamps[places], history.calendar.zone)
    return {
        "id": history.series_ids[moment.series],
        "cutoff": cutoff,
        "timestamp": stamp,
        "actual": moment.actual,
        "point": moment.point,
        "error": moment.point - moment.actual,
    }
