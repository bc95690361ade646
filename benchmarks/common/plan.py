"""Plan of the training benchmarks: rounds, data and peers, passed to every row."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from benchmarks.common.job import Job
from benchmarks.common.results import Result, Skipped
from benchmarks.common.timing import ROOT, Contestant, Measurement, time_module
from forecasting import Panel

PEERS = ("NeuralForecast", "Darts")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """The options of one run of the training benchmarks.

    Attributes:
        rounds: number of rounds; in each, every contestant runs once.
        slow_rounds: number of rounds of slow contestants.
        quick: shrink every job, to check that it runs; the figures mean nothing.
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

    def shorten(self, job: Job) -> Job:
        """Return the job, with at most one epoch or ten steps if `quick` is set."""
        if not self.quick:
            return job
        return replace(job, epochs=min(job.epochs, 1), steps=job.steps and 10)

    def find_set(self, name: str) -> Path | None:
        """Return the folder of a set, or None if it does not exist."""
        folder = self.data / name if self.data else None
        return folder if folder and folder.is_dir() else None

    def skip_missing_set(self, row: str, name: str) -> Skipped:
        """Return the skipped row of a set that does not exist."""
        where = f"not in {self.data}" if self.data else "no --data FOLDER was given"
        return Skipped(row, f"{name}: {where}")


TrainingRow = Callable[[TrainingPlan], Iterator[Result | Skipped]]


def read_sunspots() -> Panel:
    """Return the monthly sunspots of `data/`, 2,820 points."""
    frame = pd.read_csv(ROOT / "data" / "sunspots.csv")
    return Panel.from_values({"sunspots": frame["Sunspots"].to_numpy()})


def write_set(panel: Panel, folder: Path) -> Path:
    """Write a panel as a folder of train.csv, for other processes to read."""
    columns = {"series_id": "unique_id", "target": "y"}
    frame = panel.to_frame().rename(columns=columns)[["unique_id", "y"]]
    frame.to_csv(folder / "train.csv", index=False)
    return folder


def peer_contestants(plan: TrainingPlan, folder: Path, job: Job) -> list[Contestant]:
    """Return the peers as contestants on a folder's series; empty without peers."""
    python = plan.peers
    if python is None:
        return []

    def contestant(method: str) -> Contestant:
        arguments = ("--method", method, "--data", folder, "--job", job.to_json())

        def run() -> Measurement:
            return time_module(python, "benchmarks.peer_training", *arguments)

        return Contestant(method, run, plan.slow_rounds)

    return [contestant(method) for method in PEERS]


def skip_missing_peers(plan: TrainingPlan, row: str) -> Iterator[Skipped]:
    """Yield the skipped comparison with the peers, if there are no peers."""
    if plan.peers is None:
        reason = "no peers: `make peers` makes them, --peers says where they are"
        yield Skipped(row, f"{' and '.join(PEERS)}: {reason}")


def print_progress(line: str) -> None:
    """Print a line of progress to stderr."""
    print(line, file=sys.stderr, flush=True)
