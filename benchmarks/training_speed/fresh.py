"""Command that runs one training job in a fresh process, to measure its start-up.

    python -m benchmarks.training_speed.fresh --side recast --data FOLDER --job '{}'

The last line printed is JSON of ``cpu`` and ``work``, as in `benchmarks.peer_training`.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.common.job import Job
from forecasting.training.recipe.config import Engine


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: train and print processor seconds and windows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--side", choices=("recast", "tutorial"), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of train.csv")
    parser.add_argument("--job", type=Job.from_json, required=True, help="as JSON")
    parser.add_argument("--engine", default="auto", help="of Recast")
    options = parser.parse_args(arguments)
    prepare = _tutorial_job if options.side == "tutorial" else _recast_job
    train = prepare(options.data, options.job, options.engine)
    start = time.process_time()
    work = train()
    print(json.dumps({"cpu": time.process_time() - start, "work": work}))


def _recast_job(folder: Path, job: Job, engine: Engine) -> Callable[[], int]:
    from benchmarks.common.files import read_series
    from benchmarks.training_speed.recast import run_recast

    panel = read_series(folder, "train")
    return lambda: run_recast(panel, job, engine)


def _tutorial_job(folder: Path, job: Job, engine: Engine) -> Callable[[], int]:
    import pandas as pd

    from benchmarks.training_speed.tutorial import run_tutorial

    frame = pd.read_csv(folder / "train.csv")
    series = [values.to_numpy() for _, values in frame.groupby("unique_id")["y"]]
    return lambda: run_tutorial(series, job)


if __name__ == "__main__":
    main()
