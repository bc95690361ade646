"""Command that measures the speed of training, as ratios to other contestants.

    python -m benchmarks.training [--data FOLDER] [--only small long] [--json FILE]

Every contestant has one thread; they run in turns, and medians of their processor
seconds are compared. A row whose requirement is missing (a set, the peers, a GPU) is
left out, with a line that says so. docs/benchmarks.md has the table.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.command import (
    check_json,
    measure_rows,
    print_results,
    write_json,
)
from benchmarks.common.plan import TrainingPlan, TrainingRow
from benchmarks.common.timing import ROOT, start_with_one_thread
from benchmarks.training_speed.gpu import measure_gpu
from benchmarks.training_speed.many import measure_fleet, measure_growth, measure_preset
from benchmarks.training_speed.parts import measure_arithmetic_share, measure_batches
from benchmarks.training_speed.rows import (
    measure_fresh_process,
    measure_hourly,
    measure_long_windows,
    measure_small_job,
)
from forecasting.errors import ForecastingError, SettingError

PEERS = ROOT / ".peers" / "bin" / "python"
ROWS: dict[str, TrainingRow] = {
    "small": measure_small_job,
    "long": measure_long_windows,
    "hourly": measure_hourly,
    "share": measure_arithmetic_share,
    "fresh": measure_fresh_process,
    "fleet": measure_fleet,
    "batches": measure_batches,
    "growth": measure_growth,
    "preset": measure_preset,
    "gpu": measure_gpu,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    options = _parse(arguments)
    try:
        plan = _make_plan(options)
        results, skipped = measure_rows(ROWS, options.only, plan)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print_results(results, skipped)
    write_json(options.json, results, skipped)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training",
        description="Measure how fast networks are trained, as ratios.",
        epilog="\n".join(f"{name:8} {row.__doc__}" for name, row in ROWS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of the folder m4_hourly")
    parser.add_argument("--peers", type=Path, help="Python of the peers; .peers'")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=ROWS,
        default=list(ROWS),
        metavar="ROW",
        help="rows to measure, of those below; default all",
    )
    parser.add_argument(
        "--preset", action="store_true", help="the presets too: minutes"
    )
    parser.add_argument("--quick", action="store_true", help="a minute: does it run?")
    parser.add_argument("--json", type=Path, help="file to write")
    return parser.parse_args(arguments)


def _make_plan(options: argparse.Namespace) -> TrainingPlan:
    peers = options.peers
    if peers is None and PEERS.exists() and not options.quick:
        peers = PEERS
    if peers is not None and not peers.exists():
        raise SettingError("--peers", str(peers), "the Python that `make peers` makes")
    if options.data is not None and not options.data.is_dir():
        raise SettingError("--data", str(options.data), "a folder that exists")
    check_json(options.json)
    rounds = {"rounds": 1, "slow_rounds": 1} if options.quick else {}
    return TrainingPlan(
        quick=options.quick,
        data=options.data,
        # Not resolved: the link in the environment's bin folder makes it a venv.
        peers=peers and peers.absolute(),
        preset=options.preset,
        **rounds,
    )


if __name__ == "__main__":
    start_with_one_thread("benchmarks.training", os.environ)
    sys.exit(main())
