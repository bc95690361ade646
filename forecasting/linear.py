"""The linear part of a forecast, and the choices that validation makes with it.

A ridge regression from the levelled window to the levelled future costs one small
eigenvalue problem, so it can try every penalty, and every normalisation, before a
network is trained. The penalty is the largest that is not clearly worse than the best
(the one-standard-error rule of Breiman et al. 1984): at the far end of the grid the
weights are zero, and last of all the bias too. With normalisation ``last`` these are
the forecast with drift and the naive one.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from forecasting.batches import Batches
from forecasting.ridge import fit_ridge_path

PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, math.inf)
UNVALIDATED = 1e-2  # the penalty when there is nothing to choose it by
MAX_ROWS = 20_000  # validation windows that a choice is made by


@dataclass(frozen=True, slots=True)
class LinearPart:
    """A fitted ridge regression on the window.

    Attributes:
        weights: ``(seq_len * features, steps)``; bias: ``(steps,)``; both float64.
        penalty: what was chosen.
    """

    weights: Tensor
    bias: Tensor
    penalty: float

    def forecast(self, inputs: Tensor) -> Tensor:
        """Return ``(n, steps)`` for ``(n, seq_len, features)``, float64, on the CPU."""
        return inputs.flatten(1).cpu().double() @ self.weights + self.bias


def fit_linear(
    batches: Batches, validation: Batches, *, steps: int, tolerance: float = 1.0
) -> LinearPart:
    """Fit the regression of the first ``steps`` steps; validation picks the penalty.

    Args:
        batches: windows to learn from.
        validation: later windows; without any the penalty is a fixed one.
        steps: how many of the targets' steps.
        tolerance: standard errors by which a larger penalty may be worse than the
            best; 0 for the best.
    """
    path = fit_ridge_path((x.flatten(1), y[:, :steps]) for x, y in batches.in_order())
    if not len(validation):
        return LinearPart(*path.solve(UNVALIDATED), UNVALIDATED)
    parts = [LinearPart(*path.solve(penalty), penalty) for penalty in PENALTIES]
    weights, bias = torch.zeros_like(parts[0].weights), torch.zeros_like(parts[0].bias)
    parts.append(LinearPart(weights, bias, math.inf))
    inputs, targets = validation.evenly(MAX_ROWS)
    actual = targets[:, :steps].cpu().double()
    errors = torch.stack([(p.forecast(inputs) - actual).abs().mean(1) for p in parts])
    return parts[_largest_equal(errors, tolerance, overlap=targets.shape[1])]


def _largest_equal(errors: Tensor, tolerance: float, *, overlap: int) -> int:
    """Return the last row whose mean is not clearly above the least.

    Args:
        errors: of each penalty (growing) and window, ``(penalties, windows)``.
        tolerance: what is clear, in standard errors.
        overlap: how many neighbouring windows share a target; they count as one.
    """
    excess = errors - errors[errors.mean(1).argmin()]
    independent = max(errors.shape[1] / overlap, 1.0)
    error = excess.std(1, correction=0) / math.sqrt(independent)
    return int((excess.mean(1) <= tolerance * error).nonzero().max())
