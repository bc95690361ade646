"""A model a series, from a CSV file to a registered version: `recast train`.

    python -m benchmarks.for_each --series 10000

Monthly series of a made-up season, trend and noise, the default preset with its guard,
backtest, baselines, leaderboard, gate and registration. It reports seconds, series a
second, CPU seconds (which other work on the machine changes less), the most memory, and
the size of the registered model.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

import joblib
import numpy as np
import pandas as pd
import psutil

GOAL_SECONDS = 600  # for 10,000 series on 2 cores
MEMORY_SECONDS = 0.5  # between two readings of the memory
MB = 2**20


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--points", type=int, default=60)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.series, options.points)
    for name, figure in figures.items():
        print(f"{name:32} {figure:12,.1f}")


def write_series(path: Path, series: int, points: int) -> None:
    """Write monthly series with a season of a year, a random walk and noise."""
    rng, steps = np.random.default_rng(0), np.arange(points)
    season = 10 * np.sin(2 * np.pi * steps / 12 + np.arange(series)[:, None])
    walk = rng.normal(0, 1, (series, points)).cumsum(1)
    values = 100 + season + walk + rng.normal(0, 2, (series, points))
    dates = pd.date_range("2000-01-01", periods=points, freq="MS")
    pd.DataFrame(
        {
            "series_id": np.repeat([f"s{i:06d}" for i in range(series)], points),
            "date": np.tile(dates.strftime("%Y-%m-%d"), series),
            "value": values.round(2).ravel(),
        }
    ).to_csv(path, index=False)


def measure(folder: Path, series: int, points: int) -> dict[str, float]:
    """Train in a fresh process; return the figures by name.

    Args:
        folder: an empty one, for the data and the store.
        series, points: size of the data.
    """
    write_series(folder / "series.csv", series, points)
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    command = [sys.executable, "-m", "pipelines", "train", "series.csv"]
    command += ["--for-each", "series"]
    started = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **store, "PYTHONPATH": os.getcwd()},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        peaks = _watch(process)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit((folder / "log").read_text())
    sizes = [path.stat().st_size for path in folder.rglob("model.safetensors")]
    return {
        "series": series,
        "points a series": points,
        "seconds": seconds,
        "series a second": series / seconds,
        "seconds for 10,000 series": seconds * 10_000 / series,
        "cores": joblib.cpu_count(),
        "CPU seconds": used.ru_utime + used.ru_stime,
        "goal in seconds": GOAL_SECONDS,
        "MB of the leading process": peaks[0] / MB,
        "MB of all its processes": peaks[1] / MB,
        "MB of the registered model": max(sizes) / MB,
        "load of the machine": os.getloadavg()[1],
    }


def _watch(process: "subprocess.Popen[bytes]") -> tuple[int, int]:
    """Wait for a process; return the peak memory of it and of it with its children."""
    peaks, ended = [0, 0], Event()

    def read() -> None:
        leader = psutil.Process(process.pid)
        while not ended.wait(MEMORY_SECONDS):
            try:
                own = leader.memory_info().rss
                children = leader.children(recursive=True)
                total = own + sum(child.memory_info().rss for child in children)
            except psutil.NoSuchProcess:
                continue
            peaks[:] = max(peaks[0], own), max(peaks[1], total)

    reader = Thread(target=read)
    reader.start()
    process.wait()
    ended.set()
    reader.join()
    return peaks[0], peaks[1]


if __name__ == "__main__":
    main()
