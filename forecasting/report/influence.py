"""The observations and covariates that a forecast depends on, by their shares."""

import math
from collections.abc import Mapping

from forecasting.display.html import Bar, BarTable, shorten
from forecasting.display.wording import count
from forecasting.errors import ForecastingError
from forecasting.explanation.explain import Explanation, explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.report.sentences import name_step

MAX_INPUTS = 10
MIN_SHARE = 0.005  # less is left out


def rank_inputs(explanation: Explanation, freq: str | None) -> dict[str, float]:
    """Return the largest mean shares over the steps ahead, by name of the input.

    Args:
        explanation: of a model.
        freq: frequency of its series.
    """
    shares, target = explanation.shares(), explanation.target
    by_lag = shares.pop(target).mean(axis=0)
    step, name = name_step(freq), shorten(target, 40)
    named = {
        f"{name}, {count(lag, step)} before": float(share)
        for lag, share in zip(explanation.lags, by_lag, strict=True)
    } | {
        shorten(covariate, 60): float(part.sum(axis=1).mean())
        for covariate, part in shares.items()
    }
    ranked = sorted(named.items(), key=lambda pair: -pair[1])
    return {
        label: share
        for label, share in ranked[:MAX_INPUTS]
        if math.isfinite(share) and share >= MIN_SHARE
    }


def draw_influence(shares: Mapping[str, float]) -> BarTable | str:
    """Return shares as bars, or a sentence without any."""
    if not shares:
        return "Nothing has a share: the forecast does not move with its inputs."
    bars = [
        Bar(label=label, value=round(100 * share, 1)) for label, share in shares.items()
    ]
    return BarTable(columns=("input", "share in %"), bars=bars)


def measure_influence(forecaster: Forecaster) -> BarTable | str:
    """Return the shares at the ends of the training series, or why there are none."""
    try:
        explanation = explain(forecaster)
    except ForecastingError as error:
        return f"It could not be computed: {error}"
    freq = forecaster.trained.context.calendar.freq
    return draw_influence(rank_inputs(explanation, freq))
