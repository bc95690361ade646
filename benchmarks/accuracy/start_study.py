"""Command that compares networks from random weights and from those of the package.

    python -m benchmarks.accuracy.start_study --data FOLDER/m3_monthly FOLDER/m4_weekly

The last steps of each training part are held out. The preset ``guarded`` is fitted to
the observations before them, then the network of the package is: as it is, and
fine-tuned for some steps. A row a set shows the MASE of each network by itself, that of
what answers with the guard, and processor seconds. No test part is read.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common.files import read_series
from benchmarks.common.plan import print_progress
from benchmarks.common.sets import SetShape, find_shape
from forecasting import Panel
from forecasting.data.splits import last_origins
from forecasting.errors import DataError, ForecastingError
from forecasting.evaluation.naive_scale import naive_scales
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.presets import forecaster_for
from forecasting.selection.windows import choose_windows
from forecasting.training import TrainingConfig

LEARNING_RATE = 3e-4  # of the fine-tuning, below the usual one
COLUMNS = (
    *("set", "series", "guarded", "its network", "CPU s"),
    *("pretrained", "guarded", "fine-tuned", "guarded", "CPU s"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    options = _parse(arguments)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    try:
        for folder in options.data:
            shape = find_shape(folder)
            if shape is None:
                raise DataError(f"{folder}: its horizon is unknown; give a known set.")
            panel = _sample(read_series(folder, "train"), shape, options.series)
            print_progress(f"{folder}: {len(panel)} series")
            cells = measure(panel, shape, options.steps)
            print(f"| {folder.name} | {len(panel)} | {' | '.join(cells)} |", flush=True)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def measure(panel: Panel, shape: SetShape, steps: int) -> list[str]:
    """Return the cells of a row, errors and seconds.

    Args:
        panel: the series, whose last horizon is held out.
        shape: season lengths and horizon.
        steps: of the fine-tuning, with batches of 256 windows.
    """
    season, horizon = shape.calendar_season, shape.horizon
    lookback = choose_windows(panel, season_length=season, horizon=horizon).seq_len
    scratch = forecaster_for(
        panel,
        "guarded",
        horizon=horizon,
        season_length=season,
        given={"windows.seq_len": lookback, "training.device": "cpu"},
    )
    kept = _pretrained(season, horizon, 0)
    tuned = _pretrained(season, horizon, steps)
    cells: list[str] = []
    for forecaster in (scratch, kept, tuned):
        start_seconds = time.process_time()
        forecaster.fit(panel.until(panel.lengths - horizon))
        seconds = time.process_time() - start_seconds
        alone = _error(forecaster.without_guard(), panel, shape)
        answer = _error(forecaster, panel, shape)
        methods = ", ".join(forecaster.trained.method_counts)
        print_progress(f"{forecaster.training.start}, {seconds:.1f} s: {methods}")
        pair = [f"{answer:.3f}", f"{alone:.3f}"]
        cells += pair if forecaster is scratch else pair[::-1]
        cells += [] if forecaster is kept else [f"{seconds:.0f}"]
    return cells


def _pretrained(season: int, horizon: int, steps: int) -> Forecaster:
    """Return an untrained forecaster that starts from the network of a season."""
    source = Forecaster.pretrained(season_length=season, horizon=horizon)
    training = TrainingConfig(
        start="pretrained",
        epochs=0,
        steps=steps or None,
        learning_rate=LEARNING_RATE,
        schedule="one_cycle",
        refit=True,
        validation=0.2,
        device="cpu",
    )
    return Forecaster(
        windows=source.windows,
        model=replace(source.model, guard=True),
        training=training,
    )


def _error(forecaster: Forecaster, panel: Panel, shape: SetShape) -> float:
    """Return the MASE of the held-out steps."""
    horizon = shape.horizon
    observed = panel.until(panel.lengths - horizon)
    origins = last_origins(observed)
    points = forecaster.forecast_at(observed, origins, horizon)
    actual = panel.tail(horizon).values.reshape(-1, horizon)
    scales = naive_scales(observed, origins, shape.season_length)
    return float(np.mean(np.abs(points - actual) / scales))


def _sample(panel: Panel, shape: SetShape, count: int) -> Panel:
    """Return evenly spaced series of those that are long enough for all forecasters."""
    usable = np.flatnonzero(panel.lengths >= 5 * shape.horizon)
    number = min(count, len(usable))
    return panel.select(usable[np.arange(number) * len(usable) // number])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.start_study",
        description="Compare networks from random and from pretrained weights.",
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders")
    parser.add_argument("--series", type=int, default=100, help="of each set, at most")
    parser.add_argument("--steps", type=int, default=1500, help="of the fine-tuning")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
