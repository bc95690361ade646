"""How the service holds under load, beside others on the same machine.

    python -m benchmarks.serving [--quick] [--only throughput start] [--json FILE]

Services in processes of their own, asked over the loopback by clients in another;
contestants take turns, medians count. The model is trained here, on bundled data. Load
comes from wrk where it is installed. docs/benchmarks.md has the table.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

from benchmarks.common.command import check_json, measure, show, write_json
from benchmarks.common.timing import start_with_one_thread
from benchmarks.load.hostile import hostile
from benchmarks.load.lasting import memory, moves, start
from benchmarks.load.pressure import WRK
from benchmarks.load.rows import batch, latency, throughput
from benchmarks.load.stage import Plan, Row, Stage
from benchmarks.load.store import Store
from benchmarks.load.targets import Tally
from forecasting.errors import ForecastingError, SettingError

QUICK = Plan(rounds=1, seconds=1, duration=3, requests=3_000)
ROWS: dict[str, Row] = {
    "throughput": throughput,
    "latency": latency,
    "batch": batch,
    "moves": moves,
    "memory": memory,
    "start": start,
    "hostile": hostile,
}
HEAD = (
    "| contestant | answered | failed | looked into | wrong |",
    "|---|---|---|---|---|",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    asked = _parse(arguments)
    try:
        check_json(asked.json)
        plan = _plan(asked)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Stage(plan, Store.make(folder), folder) as stage:
            results, skipped = measure(ROWS, asked.only, stage)
    client = "wrk" if WRK else "benchmarks.load.client"
    show(results, skipped)
    print("\n".join(answers(stage.tallies)))
    print(f"Load from {client}.")
    counts = {name: asdict(tally) for name, tally in stage.tallies.items()}
    write_json(asked.json, results, skipped, answers=counts, client=client)
    return 0


def answers(tallies: Mapping[str, Tally]) -> Iterator[str]:
    """Yield the lines of a Markdown table of how all requests were answered."""
    yield from ("", *HEAD)
    for name, tally in tallies.items():
        counts = (f"{count:,}" for count in asdict(tally).values())
        yield f"| {' | '.join([name, *counts])} |"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description="Measure how the service holds, as ratios.",
        epilog="\n".join(f"{name:10} {row.__doc__}" for name, row in ROWS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=ROWS,
        default=list(ROWS),
        metavar="ROW",
        help="rows to measure, of those below; default all",
    )
    parser.add_argument("--quick", action="store_true", help="a minute: does it run?")
    parser.add_argument("--rounds", type=int, help="turns of each contestant; 3")
    parser.add_argument("--seconds", type=int, help="of load in a turn; 10")
    parser.add_argument(
        "--duration", type=int, help="seconds of load while the alias moves; 300"
    )
    parser.add_argument(
        "--requests", type=int, help="until memory is looked at; a million"
    )
    parser.add_argument("--json", type=Path, help="file to write")
    return parser.parse_args(arguments)


def _plan(asked: argparse.Namespace) -> Plan:
    given = {
        name: value
        for name in ("rounds", "seconds", "duration", "requests")
        if (value := getattr(asked, name)) is not None
    }
    for name, value in given.items():
        if value < 1:
            raise SettingError(f"--{name}", value, "at least 1")
    return replace(QUICK if asked.quick else Plan(), **given)


def _stop(_number: int, _frame: object) -> NoReturn:
    """End with all that was started, as on Ctrl-C."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    start_with_one_thread("benchmarks.serving", os.environ)
    sys.exit(main())
