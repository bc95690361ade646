"""Logits of a ridge classifier on random features, mixed with those of networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from forecasting.errors import SettingError
from forecasting.sequences.data import PaddedSeries
from forecasting.sequences.features.convolutions import RandomConvolutions
from forecasting.sequences.features.reservoirs import RandomReservoirs
from forecasting.sequences.features.ridge import RidgeScores, choose_share

FeatureKind = Literal["convolutions", "reservoirs"]
KINDS: dict[str, type[RandomConvolutions] | type[RandomReservoirs]] = {
    "convolutions": RandomConvolutions,
    "reservoirs": RandomReservoirs,
}


@dataclass(frozen=True, slots=True)
class FeatureMixture:
    """Random features, their ridge classifier, and the share of the networks.

    Attributes:
        features: the random part.
        scores: the ridge classifier.
        share: of the networks' logits in the mixture, 0 to 1.
    """

    features: RandomConvolutions | RandomReservoirs
    scores: RidgeScores
    share: float

    @classmethod
    def fit(
        cls,
        kind: FeatureKind,
        series: PaddedSeries,
        codes: Tensor,
        networks: Tensor,
        seed: int,
    ) -> "FeatureMixture":
        """Fit the ridge classifier, and choose the share on series left out.

        Args:
            kind: of the features.
            series: the training, normalised.
            codes: class of each series.
            networks: logits of networks that left the series out, NaN where none did,
                ``(series, classes)``.
            seed: of the random part.

        Raises:
            SettingError: unknown kind.
        """
        if kind not in KINDS:
            expected = f"None or one of {', '.join(KINDS)}"
            raise SettingError("features", kind, expected)
        features = KINDS[kind].fit(series, seed)
        scores, left_out = RidgeScores.fit(
            features.transform(series), codes, networks.shape[1]
        )
        judged = ~networks.isnan().any(1)
        share = 0.5
        if judged.any():
            share = choose_share(left_out[judged], networks[judged], codes[judged])
        return cls(features, scores, share)

    def to_tensors(self) -> dict[str, Tensor]:
        """Return all numbers by name."""
        scores = {f"scores.{n}": getattr(self.scores, n) for n in RidgeScores.__slots__}
        random = {f"random.{n}": t for n, t in self.features.to_tensors().items()}
        return (
            scores | random | {"share": torch.tensor(self.share, dtype=torch.float64)}
        )

    @classmethod
    def from_tensors(
        cls, kind: FeatureKind, tensors: Mapping[str, Tensor]
    ) -> "FeatureMixture":
        """Return the result of `to_tensors` as a mixture."""
        return cls(
            KINDS[kind].from_tensors(select(tensors, "random.")),
            RidgeScores(**select(tensors, "scores.")),
            float(tensors["share"]),
        )

    def mix(self, series: PaddedSeries, networks: Tensor) -> Tensor:
        """Return the mixed logits of normalised series, ``(series, classes)``."""
        ridge = self.scores.logits(self.features.transform(series))
        return (1 - self.share) * ridge + self.share * networks


def select(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors with a prefix, without it."""
    size = len(prefix)
    return {n[size:]: t for n, t in tensors.items() if n.startswith(prefix)}
