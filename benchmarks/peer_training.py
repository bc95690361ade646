"""Command that trains one network with neuralforecast or darts and measures it.

    .peers/bin/python -m benchmarks.peer_training --method Darts --data FOLDER \
        --job '{"cell": "lstm", "hidden_size": 32}'

Runs in a separate environment without Recast; `benchmarks.training` calls it. FOLDER
has a train.csv of ``unique_id, y``. The job is that of `benchmarks.common.job`: both
packages get its cell, its size, one layer, a linear head, its windows, its batch, Adam
at a rate of 0.001, squared errors and as many optimizer steps as it has. Loggers,
checkpoints, progress bars and validation are off. The last line printed is JSON of
``cpu`` and ``work``. Imports, reading the data and a first training of one step, which
triggers lazy imports, count as start-up.
"""

import argparse
import json
import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.job import Job

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def main() -> None:
    """Run the command: train and print processor seconds and windows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--method", choices=sorted(METHODS), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of train.csv")
    parser.add_argument("--job", type=Job.from_json, required=True, help="as JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    frame = _read_train(options.data)
    lengths = frame.groupby("unique_id").size().tolist()
    train = METHODS[options.method](frame)
    train(replace(options.job, steps=1), 1)
    steps = options.job.count_steps(lengths)
    start = time.process_time()
    train(options.job, steps)
    cpu = time.process_time() - start
    print(json.dumps({"cpu": cpu, "work": options.job.count_training_windows(lengths)}))


def _neuralforecast_trainer(frame: pd.DataFrame) -> Callable[[Job, int], None]:
    """Return a function that trains one network of NeuralForecast on all series.

    A step draws ``batch_size`` series, at most 32, and as many of their windows as the
    job has in a batch. One decoder layer is a linear head.
    """
    from neuralforecast import NeuralForecast, models
    from neuralforecast.losses.pytorch import MSE

    def train(job: Job, steps: int) -> None:
        model = getattr(models, job.cell.upper())(
            h=job.horizon,
            input_size=job.seq_len,
            encoder_n_layers=1,
            encoder_hidden_size=job.hidden_size,
            decoder_layers=1,
            loss=MSE(),
            max_steps=steps,
            learning_rate=1e-3,
            batch_size=min(frame["unique_id"].nunique(), 32),
            windows_batch_size=job.batch_size,
            scaler_type="identity",
            **QUIET,
        )
        peer = NeuralForecast(models=[model], freq=1, local_scaler_type="standard")
        peer.fit(df=frame)

    return train


def _darts_trainer(frame: pd.DataFrame) -> Callable[[Job, int], None]:
    """Return a function that trains one network of Darts on all series.

    Darts counts epochs; ``max_steps`` ends an epoch early.
    """
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import BlockRNNModel
    from sklearn.preprocessing import StandardScaler

    series = [
        TimeSeries.from_values(values.to_numpy(dtype=np.float32))
        for _, values in frame.groupby("unique_id", sort=False)["y"]
    ]

    def train(job: Job, steps: int) -> None:
        model = BlockRNNModel(
            model=job.cell.upper(),
            hidden_dim=job.hidden_size,
            n_rnn_layers=1,
            input_chunk_length=job.seq_len,
            output_chunk_length=job.horizon,
            batch_size=job.batch_size,
            n_epochs=job.epochs if job.steps is None else 1,
            optimizer_kwargs={"lr": 1e-3},
            save_checkpoints=False,
            random_state=0,
            pl_trainer_kwargs={**QUIET, "max_steps": steps},
        )
        scaled = Scaler(StandardScaler()).fit_transform(series)
        model.fit(scaled, verbose=False)

    return train


def _read_train(folder: Path) -> pd.DataFrame:
    """Return ``unique_id, ds, y`` with ``ds`` counted from 1 in each series."""
    uncompressed = folder / "train.csv"
    path = uncompressed if uncompressed.exists() else folder / "train.csv.gz"
    frame = pd.read_csv(path, dtype={"unique_id": str}, usecols=["unique_id", "y"])
    frame["y"] = frame["y"].astype(float)
    frame["ds"] = frame.groupby("unique_id", sort=False).cumcount() + 1
    return frame


METHODS: dict[str, Callable[[pd.DataFrame], Callable[[Job, int], None]]] = {
    "Darts": _darts_trainer,
    "NeuralForecast": _neuralforecast_trainer,
}


if __name__ == "__main__":
    main()
