"""Series with their forecasts as arrays to draw, and the colours of all charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from forecasting.types import FloatArray, Timestamps

BLUE, ORANGE, GREY = "#1f6feb", "#d1570a", "#57606a"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastLine:
    """Forecast from one cutoff.

    Attributes:
        timestamps: local times or steps, ``(horizon,)``.
        points: ``(horizon,)``.
        intervals: by level in percent: lower and upper bounds, ``(horizon,)`` each.
    """

    timestamps: Timestamps
    points: FloatArray
    intervals: Mapping[float, tuple[FloatArray, FloatArray]] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChart:
    """Observations of one series, with past forecasts and the one ahead.

    Attributes:
        title: heading.
        timestamps: of the observations, ``(points,)``.
        values: observations, ``(points,)``.
        past: forecasts of a backtest, oldest first.
        ahead: forecast after the last observation; None for none.
    """

    title: str
    timestamps: Timestamps
    values: FloatArray
    past: Sequence[ForecastLine] = ()
    ahead: ForecastLine | None = None
