"""How much is measured, and with whom: what every row is given."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from benchmarks.common.job import Job
from benchmarks.common.results import Result, Skipped
from benchmarks.common.timing import ROOT, Contestant, Spent, time_module
from forecasting import Panel

PEERS = ("NeuralForecast", "Darts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the command was asked for.

    Attributes:
        rounds: that contestants take turns in.
        slow_rounds: rounds of those who take long.
        quick: less of everything: whether it runs, not what comes out.
        data: folder of the folders of sets; None without one.
        peers: Python of the peers' environment; None without one.
        preset: whether to measure the preset, too.
    """

    rounds: int = 5
    slow_rounds: int = 2
    quick: bool = False
    data: Path | None = None
    peers: Path | None = None
    preset: bool = False

    def size(self, job: Job) -> Job:
        """Return the job, cut short where it has to be quick."""
        if not self.quick:
            return job
        return replace(job, epochs=min(job.epochs, 1), steps=job.steps and 10)

    def find_set(self, name: str) -> Path | None:
        """Return the folder of a set, None where it is not there."""
        folder = self.data / name if self.data else None
        return folder if folder and folder.is_dir() else None

    def absent(self, row: str, name: str) -> Skipped:
        """Return the word that a set is not there."""
        where = f"not in {self.data}" if self.data else "no --data FOLDER was given"
        return Skipped(row, f"{name}: {where}")


Row = Callable[[Plan], Iterator[Result | Skipped]]


def sunspots() -> Panel:
    """Return the monthly sunspots of `data/`, 2,820 points."""
    frame = pd.read_csv(ROOT / "data" / "sunspots.csv")
    return Panel.from_values({"sunspots": frame["Sunspots"].to_numpy()})


def write_set(panel: Panel, folder: Path) -> Path:
    """Write a panel as other processes read it, a folder of train.csv."""
    columns = {"series_id": "unique_id", "target": "y"}
    frame = panel.to_frame().rename(columns=columns)[["unique_id", "y"]]
    frame.to_csv(folder / "train.csv", index=False)
    return folder


def peer_contestants(plan: Plan, folder: Path, job: Job) -> list[Contestant]:
    """Return the peers, to be trained on a folder's series; none without them."""
    python = plan.peers
    if python is None:
        return []

    def contestant(method: str) -> Contestant:
        arguments = ("--method", method, "--data", folder, "--job", job.to_json())

        def run() -> Spent:
            return time_module(python, "benchmarks.peer_training", *arguments)

        return Contestant(method, run, plan.slow_rounds)

    return [contestant(method) for method in PEERS]


def no_peers(plan: Plan, row: str) -> Iterator[Skipped]:
    """Yield the word that there are no peers, where there are none."""
    if plan.peers is None:
        reason = "no peers: `make peers` makes them, --peers says where they are"
        yield Skipped(row, f"{' and '.join(PEERS)}: {reason}")


def say(line: str) -> None:
    """Tell how far the work is."""
    print(line, file=sys.stderr, flush=True)
