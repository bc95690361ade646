"""How accurate the forecasts of a set of series are.

    python -m benchmarks.accuracy --data FOLDER --season-length 24 --preset accurate \
        --output forecasts.csv
    python -m benchmarks.accuracy --data FOLDER --season-length 24 --score others.csv

Reads train.csv, fits one forecaster to all its series, forecasts and writes; only then
is test.csv read, to score what was written. docs/benchmarks.md has the tables.
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
    has_test,
    read_forecasts,
    read_series,
    write_forecasts,
)
from benchmarks.common.sets import shape_of
from benchmarks.common.usage import Usage, measured, read_usage, write_usage
from forecasting.errors import ForecastingError, SettingError
from forecasting.forecaster.presets import Preset, forecaster_for
from forecasting.training import EpochRecord

LEVELS = (80, 95)


LINE_SECONDS = 5.0  # between two lines of progress


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
    asked = _parse(arguments)
    try:
        season_length = _season_length(asked)
        if asked.output:
            _check_place(asked.output)
            forecast_set(
                asked.data,
                asked.output,
                preset=asked.preset,
                horizon=_horizon(asked),
                season_length=season_length,
            )
            if not has_test(asked.data):
                _say(f"{asked.data}: no test.csv there, nothing is scored")
                return 0
        for path in [asked.output] if asked.output else asked.score:
            _score(asked, path, season_length)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def forecast_set(
    folder: Path, output: Path, *, preset: Preset, horizon: int, season_length: int
) -> None:
    """Forecast every series of a folder's training part and write the forecasts.

    Args:
        folder: of train.csv; nothing else in it is read.
        output: the CSV to write; what it took is written beside it.
        preset: of `forecasting.forecaster.presets.forecaster_for`.
        horizon: steps ahead.
        season_length: steps in a season. 1 leaves the season to the preset: that
            errors are scaled by single steps says nothing of the series.
    """
    season: int | Literal["auto"] = season_length if season_length > 1 else "auto"
    with measured(preset) as usage:
        panel = read_series(folder, "train")
        _say(f"{folder}: {len(panel)} series, {len(panel.values)} points")
        forecaster = forecaster_for(
            panel, preset=preset, horizon=horizon, season_length=season
        )
        forecaster.fit(panel, on_epoch=_progress())
        forecast = forecaster.predict(horizon=horizon, levels=LEVELS)
    write_forecasts(forecast, output)
    write_usage(usage, output)
    _say(f"{output}: written after {usage.seconds:.0f} s")


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
    parser.add_argument("--preset", default="accurate", help="default accurate")
    work = parser.add_mutually_exclusive_group(required=True)
    work.add_argument("--output", type=Path, help="CSV of forecasts to write and score")
    work.add_argument("--score", type=Path, nargs="+", help="CSVs only to be scored")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the scores as JSON")
    form.add_argument("--markdown", action="store_true", help="as a table's row")
    return parser.parse_args(arguments)


def _season_length(asked: argparse.Namespace) -> int:
    length, known = asked.season_length, shape_of(asked.data)
    if length is None and known:
        return known.season_length
    if length is None or length < 1:
        raise SettingError("--season-length", length, "at least 1")
    return int(length)


def _horizon(asked: argparse.Namespace) -> int:
    known = shape_of(asked.data)
    if asked.horizon is not None:
        return int(asked.horizon)
    if known:
        return known.horizon
    if not has_test(asked.data):
        wanted = "given for a set without a test part"
        raise SettingError("--horizon", asked.horizon, wanted)
    return count_steps(asked.data)


def _check_place(output: Path) -> None:
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise SettingError("--output", str(output), "a file in a folder that exists")


def _score(asked: argparse.Namespace, path: Path, season_length: int) -> None:
    train, test = read_series(asked.data, "train"), read_series(asked.data, "test")
    scores = score(train, test, read_forecasts(path, test), season_length)
    _report(asked, path, scores, read_usage(path))


def _report(
    asked: argparse.Namespace,
    path: Path,
    scores: dict[str, float],
    usage: Usage | None,
) -> None:
    spent = asdict(usage) if usage else {"method": path.stem}
    method = spent.pop("method")
    found = {**scores, **spent}
    if asked.json:
        print(json.dumps({"set": asked.data.resolve().name, "method": method} | found))
        return
    cells = [f"{found[name]:{form}}" if name in found else "" for name, form in COLUMNS]
    if asked.markdown:
        print(f"| {method} | {' | '.join(cells)} |")
        return
    print(method)
    for (name, _), cell in zip(COLUMNS, cells, strict=True):
        print(f"  {name:12} {cell}")


def _progress() -> Callable[[EpochRecord], None]:
    """Return what says now and then how far training is."""
    said = time.monotonic()

    def advance(record: EpochRecord) -> None:
        nonlocal said
        if time.monotonic() - said > LINE_SECONDS:
            said = time.monotonic()
            _say(
                f"member {record.member + 1}, epoch {record.epoch}/{record.epochs}, "
                f"loss {record.validation_loss:.4g}"
            )

    return advance


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
