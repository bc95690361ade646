"""The main figures of a model in plain words: the one source of these sentences."""

import math

from forecasting.data.panel import Panel
from forecasting.display.html import shorten, shorten_list
from forecasting.display.numbers import readable
from forecasting.display.wording import count, describe_methods
from forecasting.evaluation.skill import MIN_CUTOFFS
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.trained_model import TrainedModel
from forecasting.timestamps.frequency import NANOSECONDS, parse_frequency
from forecasting.track_record.record import Evaluation, TrackRecord

DIGITS = 3  # of an error: more would not repeat on other data
UNITS = {
    NANOSECONDS["W"]: "week",
    NANOSECONDS["D"]: "day",
    NANOSECONDS["h"]: "hour",
    NANOSECONDS["min"]: "minute",
    NANOSECONDS["s"]: "second",
}
MONTHS = {1: "month", 3: "quarter", 12: "year"}
SEASONS = {  # by unit and season length
    ("day", 7): "the same day last week",
    ("day", 5): "the same day last week",
    ("hour", 24): "the same hour a day before",
    ("hour", 168): "the same hour a week before",
    ("week", 52): "the same week last year",
    ("month", 12): "the same month last year",
    ("quarter", 4): "the same quarter last year",
}
BASELINES = {
    "last_value": "the last value",
    "drift": "a straight line continued",
    "mean": "the mean so far",
    "linear_ar": "a linear regression on past values",
    "zero_shot": "the forecast without training",
}
METHODS = {  # of a guard, beside the simple ones above
    "network": "the network",
    "halfway": "the mean of network and simple model",
    "linear": "a linear regression",
    "smoothing": "exponential smoothing",
}


def name_step(freq: str | None) -> str:
    """Return the noun of a step: ``day``, ``month``, or ``step``.

    >>> name_step("D"), name_step("QS"), name_step("15min"), name_step(None)
    ('day', 'quarter', 'step', 'step')
    """
    if freq is None:
        return "step"
    rule = parse_frequency(freq)
    if rule.unit == "days":
        return "day"
    return (MONTHS if rule.unit == "months" else UNITS).get(rule.size, "step")


def name_baseline(name: str, freq: str | None, season_length: int) -> str:
    """Return a simple forecast in words: ``the same day last week``."""
    if name != "seasonal_naive":
        return BASELINES.get(name, name.replace("_", " "))
    step = name_step(freq)
    before = f"the value {count(season_length, step)} before"
    return SEASONS.get((step, season_length), before)


def describe_error(evaluation: Evaluation, freq: str | None) -> str:
    """Return the typical error beside that of the best simple forecast.

    ``Typically off by 11.2 a day; the same day last week is off by 34.7: 68 % less.``
    """
    served = evaluation.leaderboard[evaluation.label].get("mae", math.nan)
    simple = evaluation.leaderboard[evaluation.baseline].get("mae", math.nan)
    step = name_step(freq)
    each = (
        "a value" if step == "step" else f"an {step}" if step == "hour" else f"a {step}"
    )
    baseline = name_baseline(evaluation.baseline, freq, evaluation.season_length)
    text = (
        f"Typically off by {readable(served, DIGITS)} {each}; {baseline} is off by "
        f"{readable(simple, DIGITS)}"
    )
    return f"{text}: {_compare(served, simple)}."


def _compare(served: float, simple: float) -> str:
    if not (math.isfinite(served) and math.isfinite(simple)) or simple <= 0:
        return "no share of it can be given"
    share = round(100 * (1 - served / simple))
    if share == 0:
        return "about the same"
    return f"{share} % less" if share > 0 else f"{-share} % more"


def describe_test(evaluation: Evaluation, freq: str | None, tested: int) -> str:
    """Return the size of the backtest, and whether it says anything.

    Args:
        evaluation: figures of the backtest.
        freq: frequency of the series.
        tested: number of series in it.
    """
    folds = count(evaluation.folds, "cutoff")
    ahead = count(evaluation.horizon, name_step(freq))
    series = count(tested, "series", "series")
    text = (
        f"Measured on {folds} of {ahead} in {series}, on values after those of the "
        "training."
    )
    if evaluation.folds < MIN_CUTOFFS:
        verb = "say" if evaluation.folds > 1 else "says"
        text += f" {folds} {verb} almost nothing: test on more."
    return text


def describe_answers(evaluation: Evaluation, freq: str | None) -> str:
    """Return the methods that forecast the series, in words.

    ``Forecasts by the network for 3 of 4 series, the last value for 1 of 4 series.``
    """
    season = evaluation.season_length
    words = {
        METHODS.get(name) or name_baseline(name, freq, season): number
        for name, number in evaluation.methods.items()
    }
    return f"Forecasts by {describe_methods(words)}."


def describe_coverage(evaluation: Evaluation, level: float) -> str:
    """Return the share of values inside an interval: ``78 of 100 inside 80 %``."""
    scores = evaluation.leaderboard[evaluation.label]
    share = scores.get(f"coverage_{level:g}", math.nan)
    if not math.isfinite(share):
        return f"not measured for {level:g} %"
    return f"{round(100 * share)} of 100 inside {level:g} %"


def describe_covariates(history: Panel) -> str:
    """Return the covariates that must be planned ahead; empty for none."""
    names = list(history.covariates)
    if not names:
        return ""
    return f"It needs the plan of {shorten_list(names)} for the steps ahead."


def describe_use(trained: TrainedModel, freq: str | None) -> list[str]:
    """Return the uses that a model was made and tested for."""
    horizon = count(trained.horizon, name_step(freq))
    names = trained.context.series_ids
    series = (
        f"the series {shorten(names[0])}"
        if len(names) == 1
        else (f"the {count(len(names), 'series', 'series')} of its training")
    )
    return [f"the next {horizon} of {series}, from their latest values"]


def describe_limits(
    trained: TrainedModel, record: TrackRecord | None, freq: str | None
) -> list[str]:
    """Return the uses that a model was not made or not tested for."""
    horizon = count(trained.horizon, name_step(freq))
    limits = [f"more than {horizon} ahead: forecasts are then fed back as values"]
    if isinstance(trained, LocalModels):
        limits.append("series that it was not trained on: each series has its model")
    elif trained.min_observations > 1:
        least_length = count(trained.min_observations, "observation")
        limits.append(f"series with fewer than {least_length}")
    if plan := trained.covariates.names("known"):
        limits.append(f"{name_step(freq)}s without a plan of {shorten_list(plan)}")
    return limits + ([] if record is None else _test_limits(record))


def _test_limits(record: TrackRecord) -> list[str]:
    """Return the limits that the backtest shows."""
    evaluation, limits = record.evaluation, []
    untested = sum(1 for error in record.figures.mae.tolist() if math.isnan(error))
    if untested:
        verb = "was" if untested == 1 else "were"
        text = count(untested, "series", "series")
        limits.append(f"{text} that {verb} too short to be tested")
    errors = evaluation.leaderboard
    served, simple = errors[evaluation.label], errors[evaluation.baseline]
    if not served.get("mae", math.nan) < simple.get("mae", math.nan):
        freq = record.history.calendar.freq
        name = name_baseline(evaluation.baseline, freq, evaluation.season_length)
        limits.append(f"use as it is: {name} had no larger error in the backtest")
    return limits
