"""Linear part of a forecast: ridge regression, with a validated penalty.

A ridge regression from the levelled window to the levelled future costs one small
eigenvalue problem, so it can try every penalty, and every normalisation, before a
network is trained. The penalty is the largest that is not clearly worse than the best
(the one-standard-error rule of Breiman et al. 1984): at the far end of the grid the
weights are zero, and in the last candidate the bias, too. With normalization ``last``
these are the drift forecast and the naive one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from forecasting.covariates.design import Design
from forecasting.datasets.window_dataset import BatchSource
from forecasting.models.ridge import fit_ridge_path, fit_shared_ridge_path

PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, math.inf)
DEFAULT_PENALTY = 1e-2  # without validation windows
MAX_ROWS = 20_000  # validation windows for the choice of the penalty


@dataclass(frozen=True, slots=True)
class LinearPart:
    """A fitted ridge regression on the window.

    Attributes:
        weights: ``(seq_len * features, steps)``; bias: ``(steps,)``; both float64.
        penalty: the chosen one.
        ahead: weights of the covariates of each step ahead, ``(features,)``.
        design: selection of regressors from windows with covariates; None without.
    """

    weights: Tensor
    bias: Tensor
    penalty: float
    ahead: Tensor | None = None
    design: Design | None = None

    @property
    def steps(self) -> int:
        """Number of steps ahead."""
        return len(self.bias)

    def forecast(self, inputs: Tensor) -> Tensor:
        """Return ``(n, steps)`` for ``(n, seq_len, features)``, float64, on the CPU."""
        if self.design is not None and self.ahead is not None:
            window = self.design.window(inputs).cpu().double() @ self.weights
            ahead = self.design.ahead(inputs).cpu().double() @ self.ahead
            return window + ahead + self.bias
        return inputs.flatten(1).cpu().double() @ self.weights + self.bias


def fit_linear(
    batches: BatchSource,
    validation: BatchSource,
    *,
    steps: int,
    tolerance: float = 1.0,
    design: Design | None = None,
    penalty: float | None = None,
) -> LinearPart:
    """Fit the regression of the first ``steps`` steps, with a validated penalty.

    Args:
        batches: training windows.
        validation: later windows; without any, `DEFAULT_PENALTY` is used.
        steps: number of the targets' steps.
        tolerance: standard errors by which a larger penalty may be worse than the
            best; 0 for the best.
        design: selection of regressors from windows with covariates.
        penalty: a fixed penalty; default: chosen by validation.
    """
    if penalty is not None or not len(validation):
        fixed = DEFAULT_PENALTY if penalty is None else penalty
        return fit_linear_parts(batches, steps, design, [fixed])[0]
    parts = fit_linear_parts(batches, steps, design, PENALTIES)
    parts.append(replace(parts[-1], bias=torch.zeros_like(parts[0].bias)))
    inputs, targets = (
        part.cpu().double() for part in validation.sample_evenly(MAX_ROWS)
    )
    actual = targets[:, :steps]
    errors = torch.stack([(p.forecast(inputs) - actual).abs().mean(1) for p in parts])
    return parts[_largest_equal(errors, tolerance, overlap=targets.shape[1])]


def fit_linear_parts(
    batches: BatchSource, steps: int, design: Design | None, penalties: Sequence[float]
) -> list[LinearPart]:
    """Fit the regression with each of some penalties.

    Args:
        batches: training windows.
        steps: number of the targets' steps.
        design: selection of regressors from windows with covariates; None without.
        penalties: of the parts returned.
    """
    if design is None:
        pairs = ((x.flatten(1), y[:, :steps]) for x, y in batches.regression_batches())
        solved = fit_ridge_path(pairs).solve_each(penalties)
        return [
            LinearPart(weights, bias, penalty)
            for penalty, (weights, bias) in zip(penalties, solved, strict=True)
        ]
    shared = fit_shared_ridge_path(
        lambda: (
            (design.window(x), design.ahead(x), y[:, :steps])
            for x, y in batches.regression_batches()
        )
    )
    parts = []
    for penalty in penalties:
        weights, bias, ahead = shared.solve(penalty)
        parts.append(LinearPart(weights, bias, penalty, ahead, design))
    return parts


def _largest_equal(errors: Tensor, tolerance: float, *, overlap: int) -> int:
    """Return the last row with a mean not clearly above the lowest.

    Args:
        errors: of each penalty (growing) and window, ``(penalties, windows)``.
        tolerance: clear difference, in standard errors.
        overlap: number of neighbouring windows that share a target and count as one.
    """
    excess = errors - errors[errors.mean(1).argmin()]
    independent = max(errors.shape[1] / overlap, 1.0)
    error = excess.std(1, correction=0) / math.sqrt(independent)
    return int((excess.mean(1) <= tolerance * error).nonzero().max())
