"""Fixtures: files of discrete series, and quick training jobs on them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from pipelines.config.sequence_job import read_any_job
from pipelines.jobs.sequences.train import train_sequences

QUICK = {
    "classify": {"model.hidden_size": 6, "model.members": 2, "training.epochs": 30},
    "label": {
        "model.hidden_size": 6,
        "training.epochs": 60,
        "training.window": 20,
        "training.batch_size": 4,
        "training.learning_rate": 0.02,
    },
    "next": {"model.hidden_size": 12, "training.epochs": 30, "training.truncate": 8},
}


@pytest.fixture(scope="session")
def bumps_csv():
    """Write series with a bump early or late, and return the path."""

    def write(path, count=40, seed=0, **columns):
        random = np.random.default_rng(seed)
        frames = []
        for number in range(count):
            values = random.normal(0, 0.1, 16)
            begin, kind = (2, "early") if number % 2 else (10, "late")
            values[begin : begin + 3] += 2
            plain = {"id": f"s{number:02d}", "x": values, "kind": kind} | columns
            frames.append(pd.DataFrame(plain))
        pd.concat(frames).to_csv(path, index=False)
        return Path(path)

    return write


@pytest.fixture(scope="session")
def states_csv():
    """Write one series of loud and calm steps, a fifth of them without a label."""

    def write(path, steps=400):
        random = np.random.default_rng(0)
        loud = np.repeat(random.integers(0, 2, steps // 10), 10)
        loud[:10], loud[-20:] = 1, [*[0] * 10, *[1] * 10]
        labels = np.where(loud, "loud", "calm").astype(object)
        labels[::5] = None
        values = random.normal(size=steps) * (1 + 9 * loud)
        frame = pd.DataFrame({"x": values.round(4), "state": labels})
        frame.to_csv(path, index=False)
        return Path(path)

    return write


@pytest.fixture(scope="session")
def train_quickly():
    """Run a quick training job of discrete series in this process."""

    def run(source, task, **settings):
        overrides = {key.replace("__", "."): value for key, value in settings.items()}
        job = read_any_job(Path(source), {"task": task} | QUICK[task] | overrides)
        return train_sequences(job, Console(quiet=True))

    return run
