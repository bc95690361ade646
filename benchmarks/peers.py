"""Forecasts by statsforecast and neuralforecast, on the same files.

    make peers
    .peers/bin/python -m benchmarks.peers --data m4_hourly --method AutoETS \
        --output ets.csv

Runs in an environment of its own, where Recast is not. Each method is left at its
defaults; only the season length and the horizon are told, and shorter windows where a
series is shorter than the default ones. The forecasts are scored by
`benchmarks.accuracy --score`, like any others.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common.sets import shape_of
from benchmarks.common.usage import measured, write_usage

LOCAL = ("SeasonalNaive", "AutoETS", "AutoTheta")  # statsforecast, a fit a series
GLOBAL = ("LSTM", "GRU")  # neuralforecast, one network for all series
LEVELS = (80, 95)


def main() -> None:
    """Read the arguments, forecast, write."""
    asked = _arguments()
    with measured(asked.method) as usage:
        frame = _read_train(asked.data)
        forecasts = (
            _forecast_locally(frame, asked.method, asked.season_length, asked.horizon)
            if asked.method in LOCAL
            else _forecast_globally(frame, asked.method, asked.horizon, asked.max_steps)
        )
    if asked.max_steps:
        usage.method = f"{asked.method}, {asked.max_steps} steps"
    forecasts.to_csv(asked.output, index=False)
    write_usage(usage, asked.output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of train.csv")
    parser.add_argument("--method", choices=LOCAL + GLOBAL, required=True)
    parser.add_argument("--output", type=Path, required=True, help="CSV to write")
    parser.add_argument("--season-length", type=int)
    parser.add_argument("--horizon", type=int)
    parser.add_argument("--max-steps", type=int, help="of a network; default its own")
    asked = parser.parse_args()
    known = shape_of(asked.data)
    if known is None and not (asked.season_length and asked.horizon):
        parser.error(f"{asked.data} is no known set: say --season-length and --horizon")
    if known is not None:
        asked.season_length = asked.season_length or known.season_length
        asked.horizon = asked.horizon or known.horizon
    return asked


def _read_train(folder: Path) -> pd.DataFrame:
    """Return ``unique_id, ds, y`` with ``ds`` counted from 1 in each series."""
    plain = folder / "train.csv"
    path = plain if plain.exists() else folder / "train.csv.gz"
    frame = pd.read_csv(path, dtype={"unique_id": str}, usecols=["unique_id", "y"])
    frame["y"] = frame["y"].astype(float)
    frame["ds"] = frame.groupby("unique_id", sort=False).cumcount() + 1
    return frame


def _forecast_locally(
    frame: pd.DataFrame, method: str, season_length: int, horizon: int
) -> pd.DataFrame:
    from statsforecast import StatsForecast, models

    model = getattr(models, method)(season_length=season_length)
    peer = StatsForecast(models=[model], freq=1, n_jobs=1)
    made = peer.forecast(df=frame, h=horizon, level=list(LEVELS))
    columns: dict[str, Any] = {method: "y_hat"}
    for level in LEVELS:
        columns[f"{method}-lo-{level}"] = f"lower_{level}"
        columns[f"{method}-hi-{level}"] = f"upper_{level}"
    return _numbered(made, columns)


def _forecast_globally(
    frame: pd.DataFrame, method: str, horizon: int, max_steps: int | None
) -> pd.DataFrame:
    from neuralforecast import NeuralForecast, models

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    settings: dict[str, Any] = {"max_steps": max_steps} if max_steps else {}
    if frame.groupby("unique_id").size().min() < 3 * horizon:  # the default input_size
        settings["input_size"] = 2 * horizon
    model = getattr(models, method)(
        h=horizon, enable_progress_bar=False, logger=False, **settings
    )
    peer = NeuralForecast(models=[model], freq=1)
    peer.fit(df=frame)
    return _numbered(peer.predict(), {method: "y_hat"})


def _numbered(made: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return ``unique_id, step`` and the columns, renamed."""
    made = made.reset_index() if "unique_id" not in made else made
    made["step"] = made.groupby("unique_id", sort=False).cumcount() + 1
    return made.rename(columns=columns)[["unique_id", "step", *columns.values()]]


if __name__ == "__main__":
    main()
