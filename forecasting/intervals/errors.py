"""Errors of held-out forecasts: the data that intervals are calibrated on."""

from dataclasses import dataclass

import numpy as np

from forecasting.types import BoolArray, FloatArray

LARGEST = 1e30  # residual; infinite ones would make infinite quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastErrors:
    """Errors at forecast origins, with the properties of their windows.

    Attributes:
        residuals: actual - forecast in units of the window, ``(origins, horizon)``;
            NaN = not observed, infinite ones are replaced by `LARGEST`.
        volatility: of the window before each origin, ``(origins,)``.
        log_units: the unit of each window as a difference of natural logarithms,
            ``(origins,)``; None for errors that are not on logarithms, and for
            scores of `forecasting.intervals.scores`.
        overlap: origins that share a target, on average; they count as one. Default
            the horizon, that of neighbouring origins.
    """

    residuals: FloatArray
    volatility: FloatArray
    log_units: FloatArray | None = None
    overlap: float | None = None

    def __post_init__(self) -> None:
        if np.isinf(self.residuals).any():
            residuals = np.clip(self.residuals, -LARGEST, LARGEST)
            object.__setattr__(self, "residuals", residuals)

    @classmethod
    def none(cls, horizon: int) -> "ForecastErrors":
        """Return the errors of no origin."""
        return cls(residuals=np.empty((0, horizon)), volatility=np.empty(0))

    def __len__(self) -> int:
        return len(self.residuals)

    @property
    def independent(self) -> float:
        """Number of origins that share no target, those with a missing step in part."""
        horizon = self.residuals.shape[1]
        overlap = horizon if self.overlap is None else self.overlap
        return float(np.sum(~np.isnan(self.residuals)) / horizon / overlap)

    def select(self, rows: BoolArray | slice) -> "ForecastErrors":
        """Return the errors at some origins."""
        units = self.log_units
        return ForecastErrors(
            residuals=self.residuals[rows],
            volatility=self.volatility[rows],
            log_units=None if units is None else units[rows],
            overlap=self.overlap,
        )

    def join(self, other: "ForecastErrors") -> "ForecastErrors":
        """Return the errors followed by those at other origins."""
        units = None
        if self.log_units is not None and other.log_units is not None:
            units = np.concatenate([self.log_units, other.log_units])
        horizon = self.residuals.shape[1]
        count = np.sum(~np.isnan(self.residuals)) + np.sum(~np.isnan(other.residuals))
        independent = self.independent + other.independent
        overlap = float(count) / horizon / independent if independent else None
        return ForecastErrors(
            residuals=np.concatenate([self.residuals, other.residuals]),
            volatility=np.concatenate([self.volatility, other.volatility]),
            log_units=units,
            overlap=overlap,
        )
