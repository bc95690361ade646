"""Ridge regression in closed form: the linear part of a forecast.

Solves min ||Y - X W - b||^2 + penalty * n * s * ||W||^2, where n counts the rows and
s is the mean variance of the columns of X, so that a penalty means the same for any
unit and any number of rows (Hoerl and Kennard 1970). The eigenvectors of X'X are
found once; every penalty after that is a division.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class RidgePath:
    """Solutions of one regression for every penalty.

    Attributes:
        vectors: eigenvectors of the centred X'X / n, ``(inputs, inputs)``.
        spectrum: its eigenvalues, ``(inputs,)``.
        projected: eigenvectors' part of the centred X'Y / n, ``(inputs, outputs)``.
        input_mean, target_mean: column means, ``(inputs,)`` and ``(outputs,)``.
    """

    vectors: Tensor
    spectrum: Tensor
    projected: Tensor
    input_mean: Tensor
    target_mean: Tensor

    def solve(self, penalty: float) -> tuple[Tensor, Tensor]:
        """Return weights ``(inputs, outputs)`` and bias ``(outputs,)``, float64.

        With penalty ``inf`` the weights are zero and the bias is the targets' mean.
        """
        scale = self.spectrum.mean()
        shrunk = self.spectrum + penalty * scale
        usable = shrunk > 1e-12 * max(float(self.spectrum.max()), 1e-300)
        inverse = torch.where(usable, 1 / shrunk.clamp_min(1e-300), 0.0)
        weights = self.vectors @ (inverse[:, None] * self.projected)
        return weights, self.target_mean - self.input_mean @ weights


def fit_ridge_path(batches: Iterable[tuple[Tensor, Tensor]]) -> RidgePath:
    """Accumulate X'X and X'Y over batches; memory does not grow with the rows.

    Args:
        batches: pairs of inputs ``(n, inputs)`` and targets ``(n, outputs)``, at
            least one row in all. Sums are kept in float64.
    """
    count, gram, cross, input_sum, target_sum = _sums(batches)
    input_mean, target_mean = input_sum / count, target_sum / count
    covariance = gram / count - torch.outer(input_mean, input_mean)
    spectrum, vectors = torch.linalg.eigh(covariance)
    projected = vectors.T @ (cross / count - torch.outer(input_mean, target_mean))
    return RidgePath(vectors, spectrum.clamp_min(0), projected, input_mean, target_mean)


def _sums(
    batches: Iterable[tuple[Tensor, Tensor]],
) -> tuple[int, Tensor, Tensor, Tensor, Tensor]:
    count, totals = 0, [torch.zeros((), dtype=torch.float64)] * 4
    for inputs, targets in batches:
        x, y = inputs.cpu().double(), targets.cpu().double()
        count += len(x)
        parts = (x.T @ x, x.T @ y, x.sum(0), y.sum(0))
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
    if count == 0:
        raise ValueError("a ridge regression needs at least one row")
    gram, cross, input_sum, target_sum = totals
    return count, gram, cross, input_sum, target_sum
