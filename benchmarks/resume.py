"""Kills of jobs: a resumed job must end with the bits of an unbroken one.

    python -m benchmarks.resume
    python -m benchmarks.resume --kills 20 --seed 1 --json resume.json

Each chain is a job that is killed by SIGKILL at random moments, resumed and killed
again until it ends: inside a step, in the write of a checkpoint, in a call of MLflow,
at the registration, at the move of the alias, or after a random time. At the end its
runs, figures, versions, weights and forecasts must equal those of a job that was left
alone.

Two more figures: the share of its time that a long training spends on writing
checkpoints, and the age of its newest checkpoint when a kill comes. Ctrl-C ends the
kills and reports those that were made.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np

from benchmarks.common.plan import print_progress
from benchmarks.killing.chain import Chain, run_chain
from benchmarks.killing.jobs import KilledJob, run_job
from benchmarks.killing.moments import MOMENTS, Kill
from benchmarks.killing.store import describe_store
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.forecaster.forecaster import Forecaster
from forecasting.models.config import RecurrentConfig
from forecasting.training import CheckpointClock, Checkpoints, TrainingConfig

KILLS_OF_A_CHAIN = 4
MAX_CALLS = {"in a step of torch": 60, "in an epoch of the compiled loops": 12}
MAX_CALL = 3  # of another moment
MAX_SECONDS = 4.0  # of a kill by time
SMALL: dict[str, Any] = {
    "training.engine": "fused",
    "training.epochs": 6,
    "model.hidden_size": 4,
    "windows.seq_len": 5,
    "windows.horizon": 2,
    "evaluation.folds": 3,
}
TORCH = SMALL | {"training.engine": "torch", "model.members": 2, "model.cell": "gru"}
ACCURATE = {"preset": "accurate", "windows.horizon": 2, "evaluation.folds": 3}
ACCURATE |= {"training.steps": 30, "model.members": 2, "training.engine": "fused"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit code: 1 if a chain differs."""
    options = _parse(arguments)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        chains = run_chains(Path(folder), options.kills, random.Random(options.seed))
        overhead, ages = measure_overhead(Path(folder), options.rounds)
    report = summarize(chains) | {
        "overhead": round(overhead, 4),
        "age_seconds": {
            "median": round(statistics.median(ages), 2),
            "largest": round(max(ages), 2),
        },
    }
    print(json.dumps(report, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if report["different"] else 0


def make_jobs(folder: Path) -> list[KilledJob]:
    """Return jobs of each command, engine and preset, on a short daily series."""
    source = write_series(folder / "sales.csv")
    return [
        KilledJob("compiled", source, "train", SMALL),
        KilledJob("torch", source, "train", TORCH),
        KilledJob("accurate", source, "train", ACCURATE),
        KilledJob("compared", source, "compare", SMALL),
        KilledJob("tuned", source, "tune", SMALL),
    ]


def write_series(path: Path, days: int = 90) -> Path:
    """Write a daily series with a weekly season, and return the path."""
    steps = np.arange(days)
    noise = np.random.default_rng(0).normal(0, 0.4, days)
    values = 20 + 3 * np.sin(steps / 7 * 2 * np.pi) + noise
    dates = np.datetime64("2024-01-01") + steps
    rows = [f"{day},{value:.4f}" for day, value in zip(dates, values, strict=True)]
    path.write_text("\n".join(["day,sales", *rows]) + "\n", encoding="utf-8")
    return path


def new_store(folder: Path, empty: Path) -> Path:
    """Create a folder with a copy of an empty MLflow store."""
    folder.mkdir(parents=True)
    shutil.copy(empty, folder / "mlflow.db")
    return folder


def run_chains(folder: Path, kills: int, generator: random.Random) -> list[Chain]:
    """Run chains until as many kills have happened."""
    empty = folder / "empty.db"
    mlflow.MlflowClient(f"sqlite:///{empty}").search_experiments()
    expected, jobs = {}, make_jobs(folder)
    for job in jobs:
        place = new_store(folder / f"unbroken {job.name}", empty)
        run_job(job, place, resume=False)
        expected[job.name] = describe_store(place, job.name)
    chains: list[Chain] = []
    with suppress(KeyboardInterrupt):
        while (done := sum(len(chain.kills) for chain in chains)) < kills:
            different = sum(bool(chain.differences) for chain in chains)
            print_progress(f"{done} of {kills} kills, {different} chains differ ...")
            job = generator.choice(jobs)
            place = new_store(folder / f"chain {len(chains)}", empty)
            planned = [draw_kill(generator) for _ in range(KILLS_OF_A_CHAIN)]
            chains.append(run_chain(job, planned, place, expected[job.name]))
            shutil.rmtree(place)
    return chains


def draw_kill(generator: random.Random) -> Kill:
    """Draw a moment, or a time, at random."""
    if generator.random() < 0.3:
        return Kill(seconds=generator.uniform(0, MAX_SECONDS))
    moment = generator.choice([*MOMENTS])
    return Kill(moment, generator.randint(1, MAX_CALLS.get(moment, MAX_CALL)))


def summarize(chains: Sequence[Chain]) -> dict[str, Any]:
    """Count the kills by moment, and list the chains that differ."""
    kills = [kill for chain in chains for kill in chain.kills]
    return {
        "kills": len(kills),
        "chains": dict(Counter(chain.job.name for chain in chains)),
        "moments": dict(Counter(kill.moment or "at a random time" for kill in kills)),
        "different": [
            {
                "job": chain.job.name,
                "kills": [str(kill) for kill in chain.kills],
                "differences": chain.differences,
            }
            for chain in chains
            if chain.differences
        ],
    }


@dataclass
class MeasuredClock(CheckpointClock):
    """A clock that sums the seconds spent on writing."""

    seconds: float = 0.0

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """Write a file, as the clock does, and count the time."""
        started = time.monotonic()
        super().write(path, write)
        self.seconds += time.monotonic() - started


def measure_overhead(folder: Path, rounds: int) -> tuple[float, list[float]]:
    """Return the share of time for checkpoints, and the ages of the newest ones.

    The share is that of the seconds spent on writing, as a median of the rounds. Each
    epoch's end asks for the age of the newest file, as if a kill came then.
    """
    values = np.sin(np.arange(20_000) / 9) + np.arange(20_000) % 24 / 50
    panel, shares, ages = Panel.from_values({"a": values}), [], list[float]()
    for number in range(rounds):
        print_progress(f"overhead, round {number + 1} ...")
        clock = MeasuredClock(every_seconds=2.0)
        checkpoints = Checkpoints(folder / f"long {number}", {"job": "long"}, clock)
        seconds = _train(panel, checkpoints, ages)
        shares.append(clock.seconds / seconds)
    return statistics.median(shares), ages


def _train(panel: Panel, checkpoints: Checkpoints, ages: list[float]) -> float:
    """Train a network; return the seconds."""
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=48, horizon=12),
        model=RecurrentConfig(hidden_size=32),
        training=TrainingConfig(epochs=12, patience=12, device="cpu"),
    )
    started = time.monotonic()

    def on_epoch(_: object) -> None:
        times = [p.stat().st_mtime for p in checkpoints.folder.rglob("*.safetensors")]
        if times:
            ages.append(time.time() - max(times))

    forecaster.fit(panel, on_epoch=on_epoch, checkpoints=checkpoints)
    return time.monotonic() - started


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.resume", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--kills", type=int, default=200, help="number (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of the overhead (default: 3)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
