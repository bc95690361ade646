"""How much a series moves of late, and how far its errors move with it.

Errors are divided by a power of the volatility of the window they were made from, so
that what is left is alike from one origin to the next, and comparable (Lei et al. 2018,
section 5.2: locally weighted conformal inference).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from forecasting.types import FloatArray

EXPONENTS = np.arange(11) / 10


LEAST = 0.1  # of the typical volatility: what a window without a change counts as


@dataclass(frozen=True, slots=True)
class Scaling:
    """How the size of errors depends on the volatility of the window.

    Attributes:
        exponent: errors are in proportion to volatility to this power; 0: they do not
            depend on it; 1: they double with it.
        typical: the volatility at which errors have size 1.
    """

    exponent: float = 0.0
    typical: float = 1.0

    @classmethod
    def fit(cls, residuals: FloatArray, volatility: FloatArray) -> Self:
        """Fit to errors, by their likelihood under Laplace's distribution.

        An exponent other than 0 must gain more than it costs (Akaike 1974); windows
        that share a target count as one.

        Args:
            residuals: ``(origins, horizon)``; NaN = not observed.
            volatility: `window_volatility` of each origin's window, ``(origins,)``.
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
        independent = total / residuals.shape[1] ** 2
        gain = independent * (losses[0] - losses.min())
        return cls(float(EXPONENTS[losses.argmin()]), typical) if gain > 1 else cls()

    def sizes(self, volatility: FloatArray) -> FloatArray:
        """Return the size of errors at each volatility, ``(origins, 1)``."""
        relative = np.hypot(volatility / self.typical, LEAST)
        return np.asarray(relative**self.exponent)[:, None]


def window_volatility(windows: FloatArray) -> FloatArray:
    """Return the root mean square change within windows ``(n, length)``, ``(n,)``.

    0 for windows of a single observation.
    """
    if windows.shape[1] < 2:
        return np.zeros(len(windows))
    changes = windows[:, 1:] - windows[:, :-1]
    return np.asarray(np.sqrt((changes**2).mean(1)))
