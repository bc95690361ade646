"""Command that measures the service under load, as ratios to other services.

    python -m benchmarks.serving [--quick] [--only throughput start] [--json FILE]

Each service runs in separate processes, and the load generator in another; requests go
over the loopback. Services take turns, and medians are compared. The model is trained
here, on bundled data. The load generator is wrk if it is installed, else
`benchmarks.load.client`. docs/benchmarks.md has the table.
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

from benchmarks.common.command import (
    check_json,
    measure_rows,
    print_results,
    write_json,
)
from benchmarks.common.timing import start_with_one_thread
from benchmarks.load.generator import WRK
from benchmarks.load.hostile import measure_hostile_bodies
from benchmarks.load.lifecycle import measure_memory, measure_moves, measure_start
from benchmarks.load.rows import measure_batch, measure_latency, measure_throughput
from benchmarks.load.services import LoadPlan, LoadRow, Services
from benchmarks.load.store import Store
from benchmarks.load.targets import AnswerCounts
from benchmarks.load.zero_shot import measure_zero_shot
from forecasting.errors import ForecastingError, SettingError

QUICK = LoadPlan(rounds=1, seconds=1, duration=3, requests=3_000)
ROWS: dict[str, LoadRow] = {
    "throughput": measure_throughput,
    "latency": measure_latency,
    "batch": measure_batch,
    "zero_shot": measure_zero_shot,
    "moves": measure_moves,
    "memory": measure_memory,
    "start": measure_start,
    "hostile": measure_hostile_bodies,
}
ANSWERS_HEAD = (
    "| contestant | answered | failed | looked into | wrong |",
    "|---|---|---|---|---|",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    options = _parse(arguments)
    try:
        check_json(options.json)
        plan = _make_plan(options)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Services(plan, Store.make(folder), folder) as services:
            results, skipped = measure_rows(ROWS, options.only, services)
    client = "wrk" if WRK else "benchmarks.load.client"
    print_results(results, skipped)
    print("\n".join(format_answers(services.answers)))
    print(f"Load from {client}.")
    answers = {name: asdict(counts) for name, counts in services.answers.items()}
    write_json(options.json, results, skipped, answers=answers, client=client)
    return 0


def format_answers(answers: Mapping[str, AnswerCounts]) -> Iterator[str]:
    """Yield the lines of a Markdown table of the answers of each service."""
    yield from ("", *ANSWERS_HEAD)
    for name, counts in answers.items():
        cells = (f"{count:,}" for count in asdict(counts).values())
        yield f"| {' | '.join([name, *cells])} |"


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
        "--requests", type=int, help="until memory is measured again; a million"
    )
    parser.add_argument("--json", type=Path, help="file to write")
    return parser.parse_args(arguments)


def _make_plan(options: argparse.Namespace) -> LoadPlan:
    amounts = {
        name: value
        for name in ("rounds", "seconds", "duration", "requests")
        if (value := getattr(options, name)) is not None
    }
    for name, value in amounts.items():
        if value < 1:
            raise SettingError(f"--{name}", value, "at least 1")
    return replace(QUICK if options.quick else LoadPlan(), **amounts)


def _stop(_number: int, _frame: object) -> NoReturn:
    """Exit on SIGTERM, so that the services are stopped as on Ctrl-C."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    start_with_one_thread("benchmarks.serving", os.environ)
    sys.exit(main())
