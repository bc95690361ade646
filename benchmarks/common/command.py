"""Measure, print and write the rows of a benchmark command."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.common.plan import print_progress
from benchmarks.common.results import Result, Skipped, format_table, to_json
from benchmarks.common.timing import ProcessFailed
from forecasting.errors import SettingError

P = TypeVar("P")


def measure_rows(
    rows: Mapping[str, Callable[[P], Iterator[Result | Skipped]]],
    names: Sequence[str],
    plan: P,
) -> tuple[list[Result], list[Skipped]]:
    """Measure rows by name and return their results and the skipped rows."""
    results, skipped = [], []
    for name in names:
        print_progress(f"{name} ...")
        try:
            for outcome in rows[name](plan):
                if isinstance(outcome, Skipped):
                    skipped.append(outcome)
                else:
                    results.append(outcome)
        except ProcessFailed as error:
            skipped.append(Skipped(name, str(error)))
    return results, skipped


def print_results(results: Sequence[Result], skipped: Sequence[Skipped]) -> None:
    """Print the table of results and a line for each skipped row."""
    print("\n".join(format_table(results)))
    for entry in skipped:
        print(f"Left out: {entry.row}: {entry.reason}")


def check_json(path: Path | None) -> None:
    """Refuse an output file that cannot be written, before any row is measured.

    Raises:
        SettingError: its folder does not exist.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise SettingError("--json", str(path), "a file in a folder that exists")


def write_json(
    path: Path | None,
    results: Sequence[Result],
    skipped: Sequence[Skipped],
    **extra_fields: Any,
) -> None:
    """Write results and skipped rows as JSON, unless the path is None."""
    if path is not None:
        content = json.dumps(to_json(results, skipped) | extra_fields, indent=2)
        path.write_text(content + "\n")
