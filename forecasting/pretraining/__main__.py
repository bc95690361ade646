"""Pretrain networks: `python -m forecasting.pretraining [--season-length M]`."""

import argparse
import sys
from pathlib import Path

from forecasting.errors import ArtifactError, ForecastingError
from forecasting.forecaster.storage.pretrained import WEIGHTS
from forecasting.pretraining.recipe import RECIPES
from forecasting.pretraining.training import pretrain, save_pretrained
from forecasting.pretraining.validation import validate
from forecasting.training import EpochRecord


def main(arguments: list[str] | None = None) -> int:
    """Train and write the networks of all recipes, or of some season lengths.

    Returns:
        The exit code: 0, or 2 after a message on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m forecasting.pretraining")
    parser.add_argument(
        "--season-length",
        type=int,
        action="append",
        choices=sorted(RECIPES),
        help="only the network of this season; may be repeated",
    )
    parser.add_argument(
        "--output", type=Path, default=WEIGHTS, help="folder of the networks"
    )
    options = parser.parse_args(arguments)
    try:
        _make_folder(options.output)
        for season_length in options.season_length or sorted(RECIPES):
            _pretrain(season_length, options.output)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _make_folder(folder: Path) -> None:
    """Make the folder before minutes of training.

    Raises:
        ArtifactError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder cannot be made ({error.strerror})"
        raise ArtifactError(folder, reason, "Choose another place.") from error


def _pretrain(season_length: int, folder: Path) -> None:
    recipe = RECIPES[season_length]
    _show(f"season {season_length}: {recipe.series} series, recipe {recipe.digest[:8]}")
    forecaster = pretrain(recipe, on_epoch=_show_epoch)
    figures = validate(forecaster, recipe)
    path = save_pretrained(forecaster, recipe, folder, figures)
    _show(f"{path}: {figures}")


def _show_epoch(record: EpochRecord) -> None:
    if record.epoch:  # before the first there is no loss
        _show(f"  {record.epoch}/10 loss {record.train_loss:.4f}")


def _show(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
