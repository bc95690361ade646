"""Recipes: the prior, the network and the training of each season length.

A recipe and its seed give the weights, bit by bit on one machine. Its digest stands
beside the weights, so that weights of an older recipe are found.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from forecasting.data.windows import WindowSpec
from forecasting.models.config import RecurrentConfig
from forecasting.pretraining.prior import Prior
from forecasting.training import TrainingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that the weights of a season length depend on.

    Attributes:
        prior: of the synthetic series.
        series: number of series to train on.
        windows, model, training: of the forecaster; the training's seed is that of the
            series, too.
    """

    prior: Prior
    series: int
    windows: WindowSpec
    model: RecurrentConfig
    training: TrainingConfig

    @property
    def seed(self) -> int:
        """Seed of the series, the first weights and the order of the windows."""
        return self.training.seed

    def to_plain(self) -> dict[str, Any]:
        """Return the recipe as JSON holds it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del plain["training"]["start"]  # the first weights of a recipe are random
        return plain

    @property
    def digest(self) -> str:
        """SHA-256 of the recipe, in hexadecimal digits."""
        text = json.dumps(self.to_plain(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


# Settings of a training that starts from pretrained weights.
FINE_TUNING = TrainingConfig(
    steps=500, schedule="one_cycle", learning_rate=1e-3, balance=0.5, refit=True
)
BUSINESS = {"smooth": 0.85, "counts": 0.05, "mixed": 0.1}
DAYS = {"smooth": 0.75, "counts": 0.15, "mixed": 0.1}
HOURS = {
    "profiles": 0.6,
    "smooth": 0.15,
    "mixed": 0.15,
    "counts": 0.05,
    "state_space": 0.05,
}


def _recipe(
    season_length: int,
    lengths: tuple[int, int],
    *,
    seq_len: int,
    horizon: int,
    patch_len: int,
    shares: Mapping[str, float] = BUSINESS,
    series: int = 12_000,
    steps: int = 3000,
) -> Recipe:
    return Recipe(
        prior=Prior(
            season_length=season_length,
            shortest=lengths[0],
            longest=lengths[1],
            shares=shares,
        ),
        series=series,
        windows=WindowSpec(seq_len=seq_len, horizon=horizon),
        model=RecurrentConfig(
            cell="gru",
            hidden_size=64,
            patch_len=patch_len,
            train_skip=True,
            normalization="ets",
            season_length=season_length,
        ),
        training=TrainingConfig(
            steps=steps,
            balance=0.5,
            schedule="one_cycle",
            learning_rate=3e-3,
            validation=0.001,
            device="cpu",
        ),
    )


# A network without a season was tried: docs/zero-shot.md says why it was left out.
RECIPES = {
    recipe.prior.season_length: recipe
    for recipe in (
        _recipe(4, (12, 120), seq_len=24, horizon=12, patch_len=4),
        _recipe(
            7, (20, 400), seq_len=56, horizon=28, patch_len=7, shares=DAYS, series=6000
        ),
        _recipe(12, (30, 330), seq_len=96, horizon=24, patch_len=12),
        _recipe(
            24,
            (150, 1000),
            seq_len=336,
            horizon=48,
            patch_len=24,
            shares=HOURS,
            series=4000,
            steps=4000,
        ),
        _recipe(52, (80, 900), seq_len=104, horizon=26, patch_len=13, series=4000),
    )
}
