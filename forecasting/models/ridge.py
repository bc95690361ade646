"""Ridge regression in closed form: the linear part of a forecast.

Solves min ||Y - X W - b||^2 + penalty * n * s * ||W||^2, where n counts the rows and
s is the mean variance of the columns of X, so that a penalty means the same for any
unit and any number of rows (Hoerl and Kennard 1970). The eigenvectors of X'X are
computed once; each penalty then costs a division.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS, COLUMNS = 1024, 64  # block of a product, small enough for the cache


@dataclass(frozen=True, slots=True)
class RidgePath:
    """Solutions of one regression for every penalty.

    Attributes:
        vectors: eigenvectors of the centred X'X / n, ``(inputs, inputs)``.
        spectrum: its eigenvalues, ``(inputs,)``.
        projected: centred X'Y / n in the basis of eigenvectors, ``(inputs, outputs)``.
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
        usable = shrunk > 1e-12 * self.spectrum.max().clamp_min(1e-300)
        inverse = torch.where(usable, 1 / shrunk.clamp_min(1e-300), 0.0)
        weights = self.vectors @ (inverse[:, None] * self.projected)
        return weights, self.target_mean - self.input_mean @ weights

    def solve_each(self, penalties: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
        """Return weights and bias of each penalty, see `solve`, by joint products."""
        scale = self.spectrum.mean()
        shrunk = self.spectrum[:, None] + scale * torch.tensor(
            penalties, dtype=scale.dtype
        )
        usable = shrunk > 1e-12 * self.spectrum.max().clamp_min(1e-300)
        inverse = torch.where(usable, 1 / shrunk.clamp_min(1e-300), 0.0)
        scaled = inverse[:, :, None] * self.projected[:, None]
        weights = (self.vectors @ scaled.flatten(1)).view_as(scaled)
        bias = self.target_mean - (self.input_mean @ weights.flatten(1)).view(
            len(penalties), -1
        )
        return [
            (w.contiguous(), b) for w, b in zip(weights.unbind(1), bias, strict=True)
        ]


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
    """Return the number of rows, X'X, X'Y and the sums of the columns of X and Y."""
    count, totals = 0, list[Tensor]()
    for inputs, targets in batches:
        if not count:
            columns, outputs = inputs.shape[1], targets.shape[1]
            shapes = ((columns, columns), (columns, outputs), (columns,), (outputs,))
            totals = [torch.zeros(shape, dtype=torch.float64) for shape in shapes]
        count += len(inputs)
        blocks = (part.cpu().split(ROWS) for part in (inputs, targets))
        for pair in zip(*blocks, strict=True):
            x, y = (part.double() for part in pair)
            _add_upper(totals[0], x)
            for total, part in zip(
                totals[1:], (x.T @ y, x.sum(0), y.sum(0)), strict=True
            ):
                total += part
    if count == 0:
        raise ValueError("a ridge regression needs at least one row")
    gram, cross, input_sum, target_sum = totals
    return count, gram.triu() + gram.triu(1).T, cross, input_sum, target_sum


def _add_upper(gram: Tensor, x: Tensor) -> None:
    """Add X'X to the upper triangle of ``gram``, in place; ignore the lower one."""
    for first in range(0, len(gram), COLUMNS):
        block = slice(first, first + COLUMNS)
        gram[block, first:].addmm_(x[:, block].T, x[:, first:])


@dataclass(frozen=True, slots=True)
class SharedRidgePath:
    """Solutions of a regression with some weights shared by all outputs, by penalty.

    Output h has separate inputs Z_h besides X: Y_h = X W_h + Z_h v + b_h. For any v,
    the W_h are those of `RidgePath`; substituted, they leave a small equation for v
    (its Schur complement). The penalty on v is scaled by the variance of Z as that on
    W by the variance of X.

    Attributes:
        path: of X, to the outputs and to all columns of the Z.
        gram: centred Z'Z / n, summed over the outputs, ``(shared, shared)``.
        cross: centred Z'Y / n, summed over the outputs, ``(shared,)``.
        outputs: number of outputs.
    """

    path: RidgePath
    gram: Tensor
    cross: Tensor
    outputs: int

    def solve(self, penalty: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return W ``(inputs, outputs)``, b ``(outputs,)`` and v ``(shared,)``."""
        weights, bias = self.path.solve(penalty)
        size = len(self.cross)
        of_y, of_z = weights[:, : self.outputs], weights[:, self.outputs :]
        of_z = of_z.unflatten(1, (self.outputs, size))  # (inputs, H, shared)
        projected = self.path.vectors @ self.path.projected
        x_z = projected[:, self.outputs :].unflatten(1, (self.outputs, size))
        if math.isinf(penalty):
            shared = torch.zeros_like(self.cross)
        else:
            left = self.gram - torch.einsum("ihk,ihl->kl", x_z, of_z)
            right = self.cross - torch.einsum("ihk,ih->k", x_z, of_y)
            ridge = penalty * self.gram.diagonal().mean()
            left = left + ridge * torch.eye(size, dtype=left.dtype)
            inverse = torch.linalg.pinv((left + left.T) / 2, 1e-9, hermitian=True)
            shared = inverse @ right
        offset = bias[self.outputs :].unflatten(0, (self.outputs, size))
        return of_y - of_z @ shared, bias[: self.outputs] - offset @ shared, shared


def fit_shared_ridge_path(
    batches: Callable[[], Iterable[tuple[Tensor, Tensor, Tensor]]],
) -> SharedRidgePath:
    """Accumulate the sums of a regression with shared weights over batches.

    Args:
        batches: called twice; yields X ``(n, inputs)``, Z ``(n, outputs, shared)`` and
            Y ``(n, outputs)``, at least one row in all.
    """
    path = fit_ridge_path((x, torch.cat([y, z.flatten(1)], 1)) for x, z, y in batches())
    count, gram, cross, outputs = 0, torch.zeros(()), torch.zeros(()), 0
    for _, shared_inputs, targets in batches():
        z, y = shared_inputs.cpu().double(), targets.cpu().double()
        count, outputs = count + len(z), y.shape[1]
        gram = gram + torch.einsum("nhk,nhl->kl", z, z)
        cross = cross + torch.einsum("nhk,nh->k", z, y)
    mean, shared_mean = path.target_mean[:outputs], path.target_mean[outputs:]
    shared_mean = shared_mean.unflatten(0, (outputs, -1))
    return SharedRidgePath(
        path,
        gram / count - shared_mean.T @ shared_mean,
        cross / count - shared_mean.T @ mean,
        outputs,
    )
