"""Choice of a rung from evidence: for the data set, then for each series.

The simple forecast comes first: exponential smoothing, which contains the last value
and the last season, or else the one of these two with the lowest error. Another one is
selected if it lowers the error by more than one standard error (Breiman et al. 1984,
section 3.4.3). The mean of the network and that forecast is selected if it has the
lower error: it errs less than the worse part, and often less than both (Bates and
Granger 1969). The network by itself must lower the error of the mean by more than one
standard error: the validation windows have also ended its training, which favours it.

With few validation windows, neither can be shown to be better. Then the mean is the
choice, unless one of its parts is better by more than a standard error.

For each series, the gains over that choice are shrunk to their mean over all series, by
the ratio of the variance between series to that within one (Fay and Herriot 1979,
"Estimates of income for small places"). Where series differ by chance alone, all take
the choice for the data set.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from forecasting.models.window_ridge import DEFAULT_PENALTY, PENALTIES
from forecasting.selection.evidence import Evidence
from forecasting.selection.rungs import BASES, RUNGS, TRAINED
from forecasting.types import FloatArray, IntArray

MIN_INDEPENDENT_WINDOWS = 4.0  # to tell forecasts apart
MIN_GAIN = 0.005  # share of the error that is worth a network


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The selected rungs, by name.

    Attributes:
        default: of the data set.
        basis: the simple forecast that ``halfway`` averages with the network.
        by_series: of the series that differ from the data set, by position.
        penalty: of the regression, by its place in `PENALTIES`.
    """

    default: str
    basis: str
    penalty: int
    by_series: dict[int, str] = field(default_factory=dict)


def choose(evidence: Evidence) -> Choice:
    """Choose the rung of the data set, and those of series that differ from it."""
    is_ample = _count_windows(evidence) >= MIN_INDEPENDENT_WINDOWS
    penalty = _choose_penalty(evidence, is_ample=is_ample)
    evidence = _select_penalty(evidence, penalty)
    simple = _choose_simple(evidence)
    default = simple
    if "network" in evidence.errors:
        evidence = _select_basis(evidence, simple)
        choose_trained = _step_up if is_ample else _choose_beside_mean
        default = choose_trained(evidence, simple)
    by_series = _choose_by_series(evidence, default)
    return Choice(default=default, basis=simple, penalty=penalty, by_series=by_series)


def _choose_penalty(evidence: Evidence, *, is_ample: bool) -> int:
    """Return the place of the largest penalty that is not clearly worse than the best.

    With few windows, of which none can be clearly worse, that of the best; without any
    errors, that of `DEFAULT_PENALTY`.
    """
    errors = [evidence.errors.get(f"linear {i}") for i in range(len(PENALTIES))]
    rows = [row for row in errors if row is not None]
    if not rows:
        return PENALTIES.index(DEFAULT_PENALTY)
    best = min(rows, key=_mean)
    if not is_ample:
        return next(place for place, row in enumerate(rows) if row is best)
    return max(
        place for place, row in enumerate(rows) if not _is_better(evidence, best, row)
    )


def _select_penalty(evidence: Evidence, penalty: int) -> Evidence:
    """Return the errors with those of one regression, as ``linear``."""
    chosen, errors = f"linear {penalty}", {}
    for name, rows in evidence.errors.items():
        if name.endswith(chosen):
            errors[name.replace(chosen, "linear")] = rows
        elif " linear" not in f" {name}":
            errors[name] = rows
    return replace(evidence, errors=errors)


def _choose_simple(evidence: Evidence) -> str:
    """Return the simple forecast that others do not improve on."""
    errors = {name: evidence.errors[name] for name in BASES if name in evidence.errors}
    if not errors:
        return evidence.lowest
    unfitted = [name for name in errors if name != "linear"]
    chosen = min(unfitted, key=lambda name: _mean(errors[name]))
    if "smoothing" in errors and not _is_better(
        evidence, errors[chosen], errors["smoothing"]
    ):
        chosen = "smoothing"
    if "linear" in errors and _is_better(evidence, errors["linear"], errors[chosen]):
        chosen = "linear"
    return chosen


def _select_basis(evidence: Evidence, basis: str) -> Evidence:
    """Return the errors of the rungs alone."""
    errors = {"halfway": evidence.errors[f"halfway {basis}"], **evidence.errors}
    return replace(evidence, errors={k: errors[k] for k in RUNGS if k in errors})


def _step_up(evidence: Evidence, simple: str) -> str:
    """Return the network, its mean with the simple forecast, or that forecast."""
    errors = evidence.errors
    limit = errors[simple] * (1 - MIN_GAIN)
    is_gain = _mean(limit[np.isfinite(errors["halfway"])]) > _mean(errors["halfway"])
    chosen, limit = ("halfway", errors["halfway"]) if is_gain else (simple, limit)
    return "network" if _is_better(evidence, errors["network"], limit) else chosen


def _choose_beside_mean(evidence: Evidence, simple: str) -> str:
    """Return the mean of network and simple forecast, or the part that is better."""
    mean = evidence.errors["halfway"]
    if _is_better(evidence, evidence.errors[simple], mean):
        return simple
    is_network = _is_better(evidence, evidence.errors["network"], mean)
    return "network" if is_network else "halfway"


def _mean(errors: FloatArray) -> float:
    return float(np.nanmean(errors))


def _count_windows(evidence: Evidence) -> float:
    """Return the number of independent windows of the network, else of all rows."""
    rows = evidence.errors.get("network", np.zeros(len(evidence.owners)))
    return evidence.count_independent(np.isfinite(rows))


def _is_better(evidence: Evidence, errors: FloatArray, others: FloatArray) -> bool:
    """Return whether errors are lower than others by more than one standard error.

    A single window, or windows with a common target, show nothing.
    """
    gains = others - errors
    measured = np.isfinite(gains)
    independent = evidence.count_independent(measured)
    if independent <= 1:
        return False
    error = gains[measured].std() / np.sqrt(independent - 1)
    return bool(gains[measured].mean() > error)


def _choose_by_series(evidence: Evidence, default: str) -> dict[int, str]:
    """Return the rungs of series with a clear shrunk gain over the default."""
    best: dict[int, tuple[float, str]] = {}
    for name in evidence.errors:
        gains = evidence.errors[default] - evidence.errors[name]
        places, means, errors = _shrink_gains(evidence, gains)
        # a network must gain more than one standard error
        margins = means - errors if name in TRAINED else means
        for place, margin in zip(places.tolist(), margins.tolist(), strict=True):
            if margin > best.get(place, (0.0, default))[0]:
                best[place] = margin, name
    return {place: name for place, (_, name) in best.items()}


def _shrink_gains(
    evidence: Evidence, gains: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return series with enough windows, their shrunk mean gains, and standard errors.

    Empty if fewer than two series have enough windows.
    """
    measured = np.isfinite(gains)
    owners, gains = evidence.owners[measured], gains[measured]
    counts = np.bincount(owners)
    places = np.flatnonzero(counts / evidence.horizon >= MIN_INDEPENDENT_WINDOWS)
    if len(places) < 2:
        return places[:0], np.empty(0), np.empty(0)
    number = counts[places]
    means = np.bincount(owners, gains)[places] / number
    squares = np.bincount(owners, gains**2)[places] / number
    within = np.maximum(squares - means**2, 0) / (number / evidence.horizon - 1)
    between = max(float(means.var(ddof=1) - within.mean()), 0.0)
    total = np.maximum(between + within, np.finfo(np.float64).tiny)
    weight = between / total
    shrunk = weight * means + (1 - weight) * means.mean()
    return places, shrunk, np.sqrt(weight * within)
