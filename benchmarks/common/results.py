"""Results of benchmark rows, as a Markdown table and as JSON."""

import math
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from benchmarks.common.timing import Runs

TABLE_HEAD = (
    "| row | work | against | ours | theirs | unit | ratio | goal | met | runs |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The ratio of one measurement of Recast to that of another contestant.

    Attributes:
        row: name of the row it belongs to.
        work: description of the work measured.
        against: name of the other contestant.
        ours, theirs: medians over the runs of Recast and of the other.
        unit: unit of both medians.
        ratio: defined by `compare_times`, `compare_rates` or `compare_costs`.
        goal: bound for the ratio; None without one.
        at_most: whether the goal is an upper bound rather than a lower one.
        runs: numbers of runs of Recast and of the their_median contestant.
    """

    row: str
    work: str
    against: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    goal: float | None = None
    at_most: bool = False
    runs: tuple[int, int] = (1, 1)

    @property
    def met(self) -> bool | None:
        """Whether the ratio meets its goal; None without a goal."""
        if self.goal is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was not measured.

    Attributes:
        row: name of the row.
        reason: reason, and how to have the row measured.
    """

    row: str
    reason: str


def compare_times(
    row: str,
    work: str,
    ours: Runs,
    theirs: Runs,
    goal: float | None = None,
    quantity: str = "cpu",
) -> Result:
    """Compare times; the ratio is theirs / ours, higher is better."""
    unit = {"cpu": "CPU s", "seconds": "s", "total": "CPU s with start-up"}[quantity]
    our_median, their_median = ours.median(quantity), theirs.median(quantity)
    return Result(
        row=row,
        work=work,
        against=theirs.name,
        ours=our_median,
        theirs=their_median,
        unit=unit,
        ratio=their_median / our_median,
        goal=goal,
        runs=(len(ours), len(theirs)),
    )


def compare_rates(
    row: str,
    work: str,
    ours: Runs,
    theirs: Runs,
    goal: float | None = None,
    unit: str = "windows/CPU s",
    quantity: str = "rate",
) -> Result:
    """Compare rates; the ratio is ours / theirs, higher is better."""
    our_median, their_median = ours.median(quantity), theirs.median(quantity)
    return Result(
        row=row,
        work=work,
        against=theirs.name,
        ours=our_median,
        theirs=their_median,
        unit=unit,
        ratio=our_median / their_median if their_median else math.inf,
        goal=goal,
        runs=(len(ours), len(theirs)),
    )


def compare_costs(
    row: str,
    work: str,
    against: str,
    ours: float,
    theirs: float,
    unit: str,
    goal: float | None = None,
    runs: tuple[int, int] = (1, 1),
) -> Result:
    """Compare costs; the ratio is ours / theirs, lower is better."""
    return Result(
        row=row,
        work=work,
        against=against,
        ours=ours,
        theirs=theirs,
        unit=unit,
        ratio=ours / theirs,
        goal=goal,
        at_most=True,
        runs=runs,
    )


def format_table(results: Iterable[Result]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield from TABLE_HEAD
    for result in results:
        met = {None: "", True: "yes", False: "no"}[result.met]
        sign = "at most " if result.at_most else ""
        goal = "" if result.goal is None else f"{sign}{result.goal:g}"
        runs = "/".join(map(str, result.runs))
        cells = (
            *(result.row, result.work, result.against),
            *(_format_number(result.ours), _format_number(result.theirs), result.unit),
            *(_format_number(result.ratio), goal, met, runs),
        )
        yield f"| {' | '.join(cells)} |"


def to_json(results: Iterable[Result], skipped: Iterable[Skipped]) -> dict[str, Any]:
    """Return the results, the skipped rows and a description of the machine."""
    return {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "results": [{**asdict(result), "met": result.met} for result in results],
        "skipped": [asdict(entry) for entry in skipped],
    }


def _format_number(value: float) -> str:
    """Format a number with three significant digits or more: 0.0123, 1.23, 12,345."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
