"""Pretraining: draw the series of a recipe, train on them, leave out the series."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from forecasting.data.panel import Panel
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.pretrained import PREFIX
from forecasting.forecaster.trained_model import GlobalModel
from forecasting.pretraining.prior import draw_panel
from forecasting.pretraining.recipe import FINE_TUNING, Recipe
from forecasting.training import EpochRecord

CONTEXT = 2  # synthetic series that the model keeps: one alone would stand for any
SAMPLE = 50  # series whose numbers stand beside the weights
RECORD = "recipe.json"


def pretrain(
    recipe: Recipe, *, on_epoch: Callable[[EpochRecord], None] | None = None
) -> Forecaster:
    """Train a forecaster on the synthetic series of a recipe.

    The result has two of the series as its context, and settings for a training that
    starts from it.

    Args:
        recipe: the prior, the network and the training.
        on_epoch: called after each tenth of the steps.
    """
    panel, _ = draw_panel(recipe.prior, recipe.series, recipe.seed)
    forecaster = Forecaster(
        windows=recipe.windows, model=recipe.model, training=recipe.training
    ).fit(panel, on_epoch=on_epoch)
    return Forecaster.of(_without_series(forecaster.trained.as_global(), panel))


def save_pretrained(
    forecaster: Forecaster, recipe: Recipe, folder: Path, validation: dict[str, Any]
) -> Path:
    """Write a pretrained forecaster, and beside it how it came about.

    Args:
        forecaster: result of `pretrain`.
        recipe: its recipe.
        folder: of all pretrained models.
        validation: errors on series that it was not trained on.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    path = folder / f"{PREFIX}{recipe.prior.season_length}"
    forecaster.save(path)
    record = {
        "digest": recipe.digest,
        "seed": recipe.seed,
        "weights": digest_of(path),
        "sample": sample(recipe),
        "validation": validation,
        "recipe": recipe.to_plain(),
    }
    text = json.dumps(record, indent=2)
    (path / RECORD).write_text(text + "\n", encoding="utf-8")
    return path


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a saved model's tensors, in hexadecimal digits."""
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


def sample(recipe: Recipe) -> list[float]:
    """Return numbers that change when the generators draw other series.

    The logarithmic size of each of the first series, to four digits, so that they are
    the same on any machine.
    """
    panel, _ = draw_panel(recipe.prior, SAMPLE, recipe.seed)
    parts = np.split(panel.values, panel.offsets[1:-1])
    return [float(f"{np.log1p(np.abs(part)).mean():.4g}") for part in parts]


def _without_series(trained: GlobalModel, panel: Panel) -> GlobalModel:
    """Return a trained model that keeps the ends of two of its series.

    Values below zero are forecast for a series that has shown some, and not for others.
    """
    series = np.arange(CONTEXT)
    length = max(3 * trained.season_length, 12)
    assert trained.shown is not None
    return replace(
        trained,
        config=replace(trained.config, training=FINE_TUNING),
        context=panel.select(series).tail(length),
        normalizer=trained.normalizer.select(series),
        shown=trained.shown.select(series),
        non_negative=True,
    )
