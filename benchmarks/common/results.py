"""Results of the rows, their table and their JSON."""

import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from benchmarks.common.timing import Runs

HEAD = (
    "| row | work | against | ours | theirs | unit | ratio | goal | met | runs |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One ratio.

    Attributes:
        row: name of the row it belongs to.
        work: what was done.
        against: with whom it is compared.
        ours, theirs: medians over the runs.
        unit: of both.
        ratio: of the two, as `faster`, `more` and `bounded` say.
        goal: for the ratio; None without one.
        at_most: whether the goal is the most, and not the least.
        runs: of ours and of theirs.
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
        """Whether the goal was met; None without one."""
        if self.goal is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured.

    Attributes:
        row: name of the row.
        reason: why, and what would change that.
    """

    row: str
    reason: str


def faster(
    row: str,
    work: str,
    ours: Runs,
    theirs: Runs,
    goal: float | None = None,
    measure: str = "cpu",
) -> Result:
    """Compare times: the ratio is how many times less ours takes."""
    unit = {"cpu": "CPU s", "seconds": "s", "total": "CPU s with start-up"}[measure]
    mine, other = ours.median(measure), theirs.median(measure)
    return Result(
        row=row,
        work=work,
        against=theirs.name,
        ours=mine,
        theirs=other,
        unit=unit,
        ratio=other / mine,
        goal=goal,
        runs=(len(ours), len(theirs)),
    )


def more(
    row: str,
    work: str,
    ours: Runs,
    theirs: Runs,
    goal: float | None = None,
    unit: str = "windows/CPU s",
    measure: str = "rate",
) -> Result:
    """Compare rates: the ratio is how many times more ours does in a second."""
    mine, other = ours.median(measure), theirs.median(measure)
    return Result(
        row=row,
        work=work,
        against=theirs.name,
        ours=mine,
        theirs=other,
        unit=unit,
        ratio=mine / other,
        goal=goal,
        runs=(len(ours), len(theirs)),
    )


def bounded(
    row: str,
    work: str,
    against: str,
    ours: float,
    theirs: float,
    unit: str,
    goal: float | None = None,
    runs: tuple[int, int] = (1, 1),
) -> Result:
    """Compare what shall be small: the ratio is ours over theirs, goal the most."""
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


def table(results: Iterable[Result]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield from HEAD
    for each in results:
        met = {None: "", True: "yes", False: "no"}[each.met]
        sign = "at most " if each.at_most else ""
        goal = "" if each.goal is None else f"{sign}{each.goal:g}"
        cells = (
            *(each.row, each.work, each.against),
            *(_number(each.ours), _number(each.theirs), each.unit),
            *(_number(each.ratio), goal, met, "/".join(map(str, each.runs))),
        )
        yield f"| {' | '.join(cells)} |"


def to_json(results: Iterable[Result], skipped: Iterable[Skipped]) -> dict[str, Any]:
    """Return everything that was found, and on what machine."""
    return {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "results": [{**asdict(each), "met": each.met} for each in results],
        "skipped": [asdict(each) for each in skipped],
    }


def _number(value: float) -> str:
    """Three digits, and all of them before the point: 0.0123, 1.23, 12345."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
