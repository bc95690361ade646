"""Command that measures the accuracy of forecasts on a set of series.

    python -m benchmarks.accuracy --data FOLDER --season-length 24 --preset accurate \
        --output forecasts.csv
    python -m benchmarks.accuracy --data FOLDER --zero-shot --output zero_shot.csv
    python -m benchmarks.accuracy --data FOLDER --season-length 24 --score others.csv

Reads train.csv, fits one forecaster to all its series (or forecasts each without any
training) and writes the forecasts; only then is test.csv read, to score the written
file. docs/benchmarks.md has the tables.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from benchmarks.accuracy.scoring import score
from benchmarks.common.files import (
    count_steps,
    has_test_part,
    read_forecasts,
    read_series,
    write_forecasts,
)
from benchmarks.common.sets import find_shape
from benchmarks.common.usage import Usage, measure_usage, read_usage, write_usage
from forecasting.errors import ForecastingError, SettingError
from forecasting.forecaster.presets import Preset, forecaster_for
from forecasting.training import EpochRecord
from forecasting.zeroshot import zero_shot

LEVELS = (80, 95)
PROGRESS_SECONDS = 5.0  # between two lines of progress
COLUMNS = (
    ("sMAPE", ".3f"),
    ("MASE", ".3f"),
    ("OWA", ".3f"),
    ("coverage_80", ".3f"),
    ("coverage_95", ".3f"),
    ("MSIS", ".2f"),
    ("seconds", ".0f"),
    ("cpu_seconds", ".0f"),
    ("peak_mb", ".0f"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    options = _parse(arguments)
    try:
        season_length = _season_length(options)
        if options.output:
            _check_output(options.output)
            if options.zero_shot:
                forecast_without_training(
                    options.data,
                    options.output,
                    horizon=_horizon(options),
                    season_length=_calendar_season(options),
                )
            else:
                forecast_set(
                    options.data,
                    options.output,
                    preset=options.preset,
                    horizon=_horizon(options),
                    season_length=season_length,
                )
            if not has_test_part(options.data):
                _print_progress(f"{options.data}: no test.csv there, nothing is scored")
                return 0
        for path in [options.output] if options.output else options.score:
            _score(options, path, season_length)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def forecast_set(
    folder: Path, output: Path, *, preset: Preset, horizon: int, season_length: int
) -> None:
    """Forecast every series of a folder's training part and write the forecasts.

    Args:
        folder: folder of train.csv; no other file in it is read.
        output: the CSV to write; time and memory are written beside it.
        preset: as for `forecasting.forecaster.presets.forecaster_for`.
        horizon: number of forecast steps.
        season_length: steps in a season. 1 leaves the season to the preset: a scale
            of single-step differences does not mean that the series have no season.
    """
    season: int | Literal["auto"] = season_length if season_length > 1 else "auto"
    with measure_usage(preset) as usage:
        panel = read_series(folder, "train")
        _print_progress(f"{folder}: {len(panel)} series, {len(panel.values)} points")
        forecaster = forecaster_for(
            panel, preset=preset, horizon=horizon, season_length=season
        )
        forecaster.fit(panel, on_epoch=_progress_printer())
        forecast = forecaster.predict(horizon=horizon, levels=LEVELS)
    write_forecasts(forecast, output)
    write_usage(usage, output)
    _print_progress(f"{output}: written after {usage.seconds:.0f} s")


def forecast_without_training(
    folder: Path, output: Path, *, horizon: int, season_length: int
) -> None:
    """Forecast every series of a folder's training part without training.

    Args:
        folder, output, horizon: as `forecast_set`.
        season_length: steps in a season, as dates would tell; the files have none.
    """
    with measure_usage("zero_shot") as usage:
        panel = read_series(folder, "train")
        forecast = zero_shot(
            panel, horizon=horizon, season_length=season_length, levels=LEVELS
        )
    write_forecasts(forecast, output)
    write_usage(usage, output)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Forecast and score a set of series.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of train.csv and test.csv"
    )
    parser.add_argument(
        "--season-length", type=int, help="m of MASE; known for the sets of the tables"
    )
    parser.add_argument(
        "--horizon", type=int, help="default that of the set, or test.csv's rows"
    )
    method = parser.add_mutually_exclusive_group()
    method.add_argument("--preset", default="accurate", help="default accurate")
    method.add_argument(
        "--zero-shot", action="store_true", help="forecast without training"
    )
    work = parser.add_mutually_exclusive_group(required=True)
    work.add_argument("--output", type=Path, help="CSV of forecasts to write and score")
    work.add_argument("--score", type=Path, nargs="+", help="CSVs only to be scored")
    output_format = parser.add_mutually_exclusive_group()
    output_format.add_argument(
        "--json", action="store_true", help="print the scores as JSON"
    )
    output_format.add_argument(
        "--markdown", action="store_true", help="as a table's row"
    )
    return parser.parse_args(arguments)


def _season_length(options: argparse.Namespace) -> int:
    length, shape = options.season_length, find_shape(options.data)
    if length is None and shape:
        return shape.season_length
    if length is None or length < 1:
        raise SettingError("--season-length", length, "at least 1")
    return int(length)


def _calendar_season(options: argparse.Namespace) -> int:
    """Return the season that dates would tell, unless it is set by an option."""
    shape = find_shape(options.data)
    if options.season_length is None and shape:
        return shape.calendar_season
    return _season_length(options)


def _horizon(options: argparse.Namespace) -> int:
    shape = find_shape(options.data)
    if options.horizon is not None:
        return int(options.horizon)
    if shape:
        return shape.horizon
    if not has_test_part(options.data):
        requirement = "given for a set without a test part"
        raise SettingError("--horizon", options.horizon, requirement)
    return count_steps(options.data)


def _check_output(output: Path) -> None:
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise SettingError("--output", str(output), "a file in a folder that exists")


def _score(options: argparse.Namespace, path: Path, season_length: int) -> None:
    train, test = read_series(options.data, "train"), read_series(options.data, "test")
    scores = score(train, test, read_forecasts(path, test), season_length)
    _print_scores(options, path, scores, read_usage(path))


def _print_scores(
    options: argparse.Namespace,
    path: Path,
    scores: dict[str, float],
    usage: Usage | None,
) -> None:
    costs = asdict(usage) if usage else {"method": path.stem}
    method = costs.pop("method")
    figures = {**scores, **costs}
    if options.json:
        labels = {"set": options.data.resolve().name, "method": method}
        print(json.dumps(labels | figures))
        return
    cells = [
        f"{figures[name]:{number_format}}" if name in figures else ""
        for name, number_format in COLUMNS
    ]
    if options.markdown:
        print(f"| {method} | {' | '.join(cells)} |")
        return
    print(method)
    for (name, _), cell in zip(COLUMNS, cells, strict=True):
        print(f"  {name:12} {cell}")


def _progress_printer() -> Callable[[EpochRecord], None]:
    """Return a callback that prints the progress of training every few seconds."""
    last_line = time.monotonic()

    def print_record(record: EpochRecord) -> None:
        nonlocal last_line
        if time.monotonic() - last_line > PROGRESS_SECONDS:
            last_line = time.monotonic()
            _print_progress(
                f"member {record.member + 1}, epoch {record.epoch}/{record.epochs}, "
                f"loss {record.validation_loss:.4g}"
            )

    return print_record


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
