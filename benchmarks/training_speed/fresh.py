"""One job in a process of its own: what a first training costs, start-up included.

    python -m benchmarks.training_speed.fresh --side recast --data FOLDER --job '{}'

The last line printed is JSON, as that of `benchmarks.peer_training`.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.common.job import Job
from forecasting.training.recipe.config import Engine


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, train, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--side", choices=("recast", "tutorial"), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of train.csv")
    parser.add_argument("--job", type=Job.from_json, required=True, help="as JSON")
    parser.add_argument("--engine", default="auto", help="of Recast")
    asked = parser.parse_args(arguments)
    side = _tutorial if asked.side == "tutorial" else _recast
    train = side(asked.data, asked.job, asked.engine)
    began = time.process_time()
    work = train()
    print(json.dumps({"cpu": time.process_time() - began, "work": work}))


def _recast(folder: Path, job: Job, engine: Engine) -> Callable[[], int]:
    from benchmarks.common.files import read_series
    from benchmarks.training_speed.recast import run_recast

    panel = read_series(folder, "train")
    return lambda: run_recast(panel, job, engine)


def _tutorial(folder: Path, job: Job, engine: Engine) -> Callable[[], int]:
    import pandas as pd

    from benchmarks.training_speed.tutorial import run_tutorial

    frame = pd.read_csv(folder / "train.csv")
    series = [own.to_numpy() for _, own in frame.groupby("unique_id")["y"]]
    return lambda: run_tutorial(series, job)


if __name__ == "__main__":
    main()
