"""Volatility scaling of forecast errors for conformal intervals.

Errors are divided by a power of the volatility of their forecast's window, so that they
have the same distribution at every origin (Lei et al. 2018, section 5.2: locally
weighted conformal inference).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from forecasting.types import FloatArray

EXPONENTS = np.arange(11) / 10
MIN_VOLATILITY = 0.1  # in units of the typical one; that of a constant window


@dataclass(frozen=True, slots=True)
class VolatilityScaling:
    """Dependence of the size of errors on the volatility of the window.

    Attributes:
        exponent: errors are proportional to volatility to this power; 0: independent of
            it; 1: proportional to it.
        typical: the volatility at which errors have size 1.
    """

    exponent: float = 0.0
    typical: float = 1.0

    @classmethod
    def fit(
        cls,
        residuals: FloatArray,
        volatility: FloatArray,
        independent: float | None = None,
    ) -> Self:
        """Fit to errors by maximum likelihood under a Laplace distribution.

        An exponent other than 0 must lower the information criterion of Akaike (1974).

        Args:
            residuals: ``(origins, horizon)``; NaN = not observed.
            volatility: `window_volatility` of each origin's window, ``(origins,)``.
            independent: number of origins that share no target; default one in a
                horizon.
        """
        moving = volatility[volatility > 0]
        counts = np.sum(~np.isnan(residuals), axis=1)
        total = counts.sum()
        if not len(moving) or not np.nansum(np.abs(residuals)) > 0:
            return cls()
        typical = float(np.median(moving))
        errors = np.nansum(np.abs(residuals), axis=1)
        logs = np.log(cls(1.0, typical).sizes(volatility)[:, 0])
        losses = np.array(
            [
                np.log((errors * np.exp(-power * logs)).sum() / total)
                + power * (counts * logs).sum() / total
                for power in EXPONENTS
            ]
        )
        if independent is None:
            independent = total / residuals.shape[1] ** 2
        gain = independent * (losses[0] - losses.min())
        return cls(float(EXPONENTS[losses.argmin()]), typical) if gain > 1 else cls()

    def sizes(self, volatility: FloatArray) -> FloatArray:
        """Return the size of errors at each volatility, ``(origins, 1)``."""
        relative = np.hypot(volatility / self.typical, MIN_VOLATILITY)
        return np.asarray(relative**self.exponent)[:, None]


def window_volatility(windows: FloatArray) -> FloatArray:
    """Return the root mean square change within windows ``(n, length)``, ``(n,)``.

    0 for windows of a single observation.
    """
    if windows.shape[1] < 2:
        return np.zeros(len(windows))
    changes = windows[:, 1:] - windows[:, :-1]
    return np.asarray(np.sqrt((changes**2).mean(1)))
