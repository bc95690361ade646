"""Zero-shot forecasts: good forecasts of series that no model was trained on.

forecaster      the forecast of series as arrays, and of a panel or frame
combination     the forecasts of series, each weighted by its own backtest
combination_loops  the weights, compiled
tracks          series and their logarithms, with the origins of their backtests
network         a small recurrent network, trained on synthetic series, for a season
regression      ridge regression on the windows of one series
smoothing       exponential smoothing of series from several origins
season          the season length of each series
intervals       size of the errors at each step, and the quantiles of its multiples
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from forecasting.zeroshot.season import (
    MAX_CONTEXT,
    MIN_HISTORY,
    choose_season_lengths,
)

if TYPE_CHECKING:  # the compiled loops take a quarter of a second to import
    from forecasting.zeroshot.forecaster import (
        ZeroShotForecaster,
        load_zero_shot,
        zero_shot,
    )

__all__ = [
    "MAX_CONTEXT",
    "MIN_HISTORY",
    "ZeroShotForecaster",
    "choose_season_lengths",
    "load_zero_shot",
    "zero_shot",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("forecasting.zeroshot.forecaster"), name)
