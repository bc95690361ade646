"""Errors of the pretrained networks on the training parts of sets of series.

    python -m benchmarks.pretrained --data FOLDER/m3_monthly FOLDER/tourism_monthly
    python -m benchmarks.pretrained --data FOLDER/m3_monthly --test
    python -m benchmarks.pretrained --data FOLDER/m3_monthly --sum 3  # to quarters

The last steps of each training part are held out; with ``--test``, the test part is
forecast; with ``--contexts``, also from the last observations before them only. A row
shows the MASE of the network, of the simple forecasts without it, of means in which the
network has a third and a half, and of the zero-shot forecast, weighted by a backtest.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.common.files import read_series
from benchmarks.common.plan import print_progress
from benchmarks.common.sets import find_shape
from forecasting import Panel
from forecasting.errors import DataError, ForecastingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.pretraining.validation import COMBINED, METHODS, holdout_errors


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    options = _parse(arguments)
    columns = ("set", "observations", "series", *METHODS, COMBINED)
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    try:
        for folder in options.data:
            for context in [*options.contexts, None]:
                errors = measure(
                    folder,
                    test=options.test,
                    total=options.sum,
                    context=context,
                    season_length=options.season_length,
                    horizon=options.horizon,
                )
                cells = [f"{errors[name]:.4f}" for name in (*METHODS, COMBINED)]
                row = (folder.name, context or "all", errors["series"], *cells)
                print(f"| {' | '.join(map(str, row))} |", flush=True)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def measure(
    folder: Path,
    *,
    test: bool = False,
    total: int = 1,
    context: int | None = None,
    season_length: int | None = None,
    horizon: int | None = None,
) -> dict[str, float]:
    """Return the errors on a set, see `holdout_errors`.

    Args:
        folder: folder of train.csv and, to forecast it, test.csv.
        test: forecast the test part instead of the end of the training part.
        total: number of neighbouring values to sum, such as 3 from months to quarters.
        context: observations to forecast from; default all.
        season_length, horizon: default those of the set, over ``total``.

    Raises:
        DataError: a file is missing, or the set is none of the published ones.
        SettingError: there is no network for the season.
    """
    shape = find_shape(folder)
    if shape is None:
        raise DataError(f"{folder}: its horizon is unknown; give a published set.")
    horizon = horizon or shape.horizon // total
    season = season_length or shape.calendar_season // total
    lag = season_length or max(shape.season_length // total, 1)
    forecaster = Forecaster.pretrained(season_length=season, horizon=horizon)
    panel = read_series(folder, "train")
    if test:
        panel = _join(panel, read_series(folder, "test"))
    panel = panel if total == 1 else _sum(panel, total)
    print_progress(f"{folder}: {len(panel)} series")
    return holdout_errors(
        forecaster, panel, horizon, scale_lag=lag, context=context, combined=True
    )


def _join(train: Panel, test: Panel) -> Panel:
    """Return series that go on with those of the test part."""
    return Panel.from_values(
        {
            name: np.concatenate([train.series(name), test.series(name)])
            for name in train.series_ids
        }
    )


def _sum(panel: Panel, count: int) -> Panel:
    """Return the sums of ``count`` neighbouring values, without a rest at the start."""
    parts = zip(
        panel.series_ids, np.split(panel.values, panel.offsets[1:-1]), strict=True
    )
    return Panel.from_values(
        {
            name: values[len(values) % count :].reshape(-1, count).sum(1)
            for name, values in parts
            if len(values) >= count
        }
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pretrained",
        description="Measure the pretrained networks on sets of series.",
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders")
    parser.add_argument("--test", action="store_true", help="forecast the test parts")
    parser.add_argument("--sum", type=int, default=1, help="values to sum, as 3 months")
    parser.add_argument("--season-length", type=int, help="default that of the set")
    parser.add_argument("--horizon", type=int, help="default that of the set")
    parser.add_argument(
        "--contexts", type=int, nargs="*", default=[], help="observations to read"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
