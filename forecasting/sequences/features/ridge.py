"""Ridge regression of class scores on many features, with leave-one-out scores.

One eigenvalue problem of the size of the series, not of the features, gives the scores
of each series by a regression without it, for every penalty (Allen 1974).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

PENALTIES = torch.logspace(-4, 2, 13, dtype=torch.float64)
TEMPERATURES = torch.logspace(-1, 2, 31, dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class RidgeScores:
    """Scores of classes by a ridge regression on -1 and 1.

    Attributes:
        center, scale: of the features, ``(features,)``.
        weights: ``(features, classes)``.
        bias: ``(classes,)``.
        slope: by which scores become logits.
    """

    center: Tensor
    scale: Tensor
    weights: Tensor
    bias: Tensor
    slope: Tensor

    @classmethod
    def fit(
        cls, features: Tensor, codes: Tensor, classes: int
    ) -> "tuple[RidgeScores, Tensor]":
        """Fit scores; return them with the leave-one-out logits ``(series, classes)``.

        Args:
            features: ``(series, features)``.
            codes: class of each series, ``(series,)``.
            classes: number of classes.
        """
        features = features.double()
        deviation, center = torch.std_mean(features, 0, correction=0)
        scale = torch.where(deviation > 1e-9, deviation, torch.inf)
        rows = (features - center) / scale
        targets = 2.0 * torch.nn.functional.one_hot(codes, classes).double() - 1
        bias = targets.mean(0)
        spectrum, vectors = torch.linalg.eigh(rows @ rows.T)
        best: tuple[float, Tensor, Tensor] | None = None
        for penalty in PENALTIES * spectrum.clamp_min(0).mean():
            inverse = vectors / (spectrum.clamp_min(0) + penalty) @ vectors.T
            dual = inverse @ (targets - bias)
            # residual / (1 - leverage), where the mean adds 1 / n to the leverage
            leverage = 1 - penalty * inverse.diagonal()
            rest = (1 - leverage - 1 / len(rows)).clamp_min(1e-6)
            left_out = targets - penalty * dual / rest[:, None]
            error = float((targets - left_out).square().mean())
            if best is None or error < best[0]:
                best = error, dual, left_out
        assert best is not None
        _, dual, left_out = best
        slope = _fit_slope(left_out, codes)
        scores = cls(center, scale, rows.T @ dual, bias, slope)
        return scores, slope * left_out

    def logits(self, features: Tensor) -> Tensor:
        """Return the logits, ``(series, classes)``."""
        rows = (features.double() - self.center) / self.scale
        return self.slope * (rows @ self.weights + self.bias)


def _fit_slope(scores: Tensor, codes: Tensor) -> Tensor:
    """Return the factor by which scores are the logits of the least cross-entropy."""
    losses = [
        torch.nn.functional.cross_entropy(slope * scores, codes)
        for slope in TEMPERATURES
    ]
    return TEMPERATURES[int(torch.stack(losses).argmin())]


def choose_share(first: Tensor, second: Tensor, codes: Tensor) -> float:
    """Return the share of the second logits in a mixture, of the least cross-entropy.

    Args:
        first, second: logits ``(series, classes)`` of series that they did not learn.
        codes: class of each series.
    """
    shares = torch.linspace(0, 1, 11, dtype=torch.float64).tolist()
    losses = [
        float(
            torch.nn.functional.cross_entropy(
                (1 - share) * first + share * second, codes
            )
        )
        for share in shares
    ]
    return float(shares[losses.index(min(losses))])
