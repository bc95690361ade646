"""What the commands that measure rows have in common."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.common.plan import say
from benchmarks.common.results import Result, Skipped, table, to_json
from benchmarks.common.timing import ProcessFailed
from forecasting.errors import SettingError

P = TypeVar("P")


def measure(
    rows: Mapping[str, Callable[[P], Iterator[Result | Skipped]]],
    names: Sequence[str],
    plan: P,
) -> tuple[list[Result], list[Skipped]]:
    """Measure rows by name; return what was found, and what was left out."""
    results, skipped = [], []
    for name in names:
        say(f"{name} ...")
        try:
            for found in rows[name](plan):
                if isinstance(found, Skipped):
                    skipped.append(found)
                else:
                    results.append(found)
        except ProcessFailed as error:
            skipped.append(Skipped(name, str(error)))
    return results, skipped


def show(results: Sequence[Result], skipped: Sequence[Skipped]) -> None:
    """Print the table, and what was left out of it."""
    print("\n".join(table(results)))
    for each in skipped:
        print(f"Left out: {each.row}: {each.reason}")


def check_json(path: Path | None) -> None:
    """Refuse, before the work, a file that could not be written after it.

    Raises:
        SettingError: there is no folder for it.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise SettingError("--json", str(path), "a file in a folder that exists")


def write_json(
    path: Path | None,
    results: Sequence[Result],
    skipped: Sequence[Skipped],
    **more: Any,
) -> None:
    """Write what was found, where a file was asked for."""
    if path is not None:
        found = json.dumps(to_json(results, skipped) | more, indent=2)
        path.write_text(found + "\n")
