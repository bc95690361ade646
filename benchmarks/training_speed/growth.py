"""Train on so many series in a process of its own: time and memory.

    python -m benchmarks.training_speed.growth --series 1000

One epoch in batches of 1024, everything else at its default. Prints JSON. A first, tiny
training loads what is loaded late; memory is counted from there, so that the series
themselves are in it and the libraries are not.
"""

import argparse
import json
import re
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from benchmarks.common.usage import RSS_PER_MB
from forecasting import Forecaster, Panel, TrainingConfig

POINTS = 200  # of each series


FORGET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, train, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--series", type=int, required=True)
    asked = parser.parse_args(arguments)
    _train(make_panel(1, POINTS))
    before = _restart_peak()
    panel = make_panel(asked.series, POINTS)
    began, began_cpu = time.perf_counter(), time.process_time()
    _train(panel)
    found = {
        "cpu": time.process_time() - began_cpu,
        "seconds": time.perf_counter() - began,
        "points": len(panel.values),
        "data_mb": (panel.values.nbytes + panel.timestamps.nbytes) / 1e6,
        "more_mb": _peak_mb() - before,
    }
    print(json.dumps(found))


def make_panel(series: int, points: int) -> Panel:
    """Return noisy waves, each with a length of its own; always the same ones."""
    random = np.random.default_rng(0)
    waves = random.normal(0, 0.3, (series, points))
    periods = random.uniform(8, 40, (series, 1))
    waves += np.sin(2 * np.pi * np.arange(points) / periods)
    return Panel.from_values({f"wave {n}": wave for n, wave in enumerate(waves)})


def _train(panel: Panel) -> None:
    training = TrainingConfig(epochs=1, batch_size=1024, device="cpu")
    Forecaster(training=training).fit(panel)


def _restart_peak() -> float:
    """Forget the peak so far, where the system can; return the memory of now, in MB."""
    if FORGET.exists():
        FORGET.write_text("5")  # proc_pid_clear_refs(5)
    now: int = psutil.Process().memory_info().rss
    return now / 1e6


def _peak_mb() -> float:
    """Return the largest resident memory of this process, in MB.

    Linux's ru_maxrss is no less than that of the process that started this one.
    """
    if STATUS.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())
        if found:
            return int(found[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB


if __name__ == "__main__":
    main()
