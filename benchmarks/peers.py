"""Command that forecasts a set with statsforecast or neuralforecast.

    make peers
    .peers/bin/python -m benchmarks.peers --data m4_hourly --method AutoETS \
        --output ets.csv

Runs in a separate environment without Recast. Each method has its default settings, but
for the season length, the horizon and, where a series is too short for the default
windows, shorter windows. `benchmarks.accuracy --score` scores the forecasts, as it does
all others.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common.sets import find_shape
from benchmarks.common.usage import measure_usage, write_usage

LOCAL = ("SeasonalNaive", "AutoETS", "AutoTheta")  # statsforecast, a fit per series
GLOBAL = ("LSTM", "GRU")  # neuralforecast, one network for all series
LEVELS = (80, 95)


def main() -> None:
    """Run the command: read the training part, forecast and write a CSV."""
    options = _parse_options()
    with measure_usage(options.method) as usage:
        frame = _read_train(options.data)
        forecasts = (
            _forecast_locally(
                frame, options.method, options.season_length, options.horizon
            )
            if options.method in LOCAL
            else _forecast_globally(
                frame, options.method, options.horizon, options.max_steps
            )
        )
    if options.max_steps:
        usage.method = f"{options.method}, {options.max_steps} steps"
    forecasts.to_csv(options.output, index=False)
    write_usage(usage, options.output)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of train.csv")
    parser.add_argument("--method", choices=LOCAL + GLOBAL, required=True)
    parser.add_argument("--output", type=Path, required=True, help="CSV to write")
    parser.add_argument("--season-length", type=int)
    parser.add_argument("--horizon", type=int)
    parser.add_argument(
        "--max-steps", type=int, help="of a network; default that of the package"
    )
    options = parser.parse_args()
    shape = find_shape(options.data)
    if shape is None and not (options.season_length and options.horizon):
        parser.error(
            f"{options.data} is no known set: say --season-length and --horizon"
        )
    if shape is not None:
        options.season_length = options.season_length or shape.season_length
        options.horizon = options.horizon or shape.horizon
    return options


def _read_train(folder: Path) -> pd.DataFrame:
    """Return ``unique_id, ds, y`` with ``ds`` counted from 1 in each series."""
    uncompressed = folder / "train.csv"
    path = uncompressed if uncompressed.exists() else folder / "train.csv.gz"
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
    forecasts = peer.forecast(df=frame, h=horizon, level=list(LEVELS))
    columns: dict[str, Any] = {method: "y_hat"}
    for level in LEVELS:
        columns[f"{method}-lo-{level}"] = f"lower_{level}"
        columns[f"{method}-hi-{level}"] = f"upper_{level}"
    return _add_steps(forecasts, columns)


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
    return _add_steps(peer.predict(), {method: "y_hat"})


def _add_steps(forecasts: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return ``unique_id, step`` and the columns, renamed."""
    if "unique_id" not in forecasts:
        forecasts = forecasts.reset_index()
    forecasts["step"] = forecasts.groupby("unique_id", sort=False).cumcount() + 1
    return forecasts.rename(columns=columns)[["unique_id", "step", *columns.values()]]


if __name__ == "__main__":
    main()
