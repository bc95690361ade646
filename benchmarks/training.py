"""How fast Recast trains, as ratios measured in one run.

    python -m benchmarks.training [--data FOLDER] [--only small long] [--json FILE]

One thread; contestants take turns, and medians of their processor seconds are
compared. A row that needs what is not there (a set, the peers, a GPU) is left out, and
that is said. docs/benchmarks.md has the table.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.command import check_json, measure, show, write_json
from benchmarks.common.plan import Plan, Row
from benchmarks.common.timing import ROOT, start_with_one_thread
from benchmarks.training_speed.gpu import gpu
from benchmarks.training_speed.many import fleet, growth, preset
from benchmarks.training_speed.parts import batches, share
from benchmarks.training_speed.rows import fresh, hourly, long_windows, small
from forecasting.errors import ForecastingError, SettingError

PEERS = ROOT / ".peers" / "bin" / "python"
ROWS: dict[str, Row] = {
    "small": small,
    "long": long_windows,
    "hourly": hourly,
    "share": share,
    "fresh": fresh,
    "fleet": fleet,
    "batches": batches,
    "growth": growth,
    "preset": preset,
    "gpu": gpu,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    asked = _parse(arguments)
    try:
        plan = _plan(asked)
        results, skipped = measure(ROWS, asked.only, plan)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    show(results, skipped)
    write_json(asked.json, results, skipped)
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


def _plan(asked: argparse.Namespace) -> Plan:
    peers = asked.peers
    if peers is None and PEERS.exists() and not asked.quick:
        peers = PEERS
    if peers is not None and not peers.exists():
        raise SettingError("--peers", str(peers), "the Python that `make peers` makes")
    if asked.data is not None and not asked.data.is_dir():
        raise SettingError("--data", str(asked.data), "a folder that exists")
    check_json(asked.json)
    rounds = {"rounds": 1, "slow_rounds": 1} if asked.quick else {}
    return Plan(
        quick=asked.quick,
        data=asked.data,
        peers=peers
        and peers.absolute(),  # not resolved: a link is what makes it a venv
        preset=asked.preset,
        **rounds,
    )


if __name__ == "__main__":
    start_with_one_thread("benchmarks.training", os.environ)
    sys.exit(main())
