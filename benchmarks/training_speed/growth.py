"""Command that trains on a number of series and measures time and memory.

    python -m benchmarks.training_speed.growth --series 1000

Trains one epoch in batches of 1024, with default settings else, and prints JSON. A tiny
training before triggers lazy imports; memory is counted from there, so that it includes
the series but not the libraries.
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

POINTS_PER_SERIES = 200  # length of each series
CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: train and print processor seconds, points and memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--series", type=int, required=True)
    options = parser.parse_args(arguments)
    _train(make_panel(1, POINTS_PER_SERIES))
    memory_before = _restart_peak()
    panel = make_panel(options.series, POINTS_PER_SERIES)
    start, start_cpu = time.perf_counter(), time.process_time()
    _train(panel)
    figures = {
        "cpu": time.process_time() - start_cpu,
        "seconds": time.perf_counter() - start,
        "points": len(panel.values),
        "data_mb": (panel.values.nbytes + panel.timestamps.nbytes) / 1e6,
        "more_mb": _peak_mb() - memory_before,
    }
    print(json.dumps(figures))


def make_panel(series: int, points: int) -> Panel:
    """Return noisy sine waves, each with its own period; the same at every call."""
    random = np.random.default_rng(0)
    waves = random.normal(0, 0.3, (series, points))
    periods = random.uniform(8, 40, (series, 1))
    waves += np.sin(2 * np.pi * np.arange(points) / periods)
    return Panel.from_values({f"wave {n}": wave for n, wave in enumerate(waves)})


def _train(panel: Panel) -> None:
    training = TrainingConfig(epochs=1, batch_size=1024, device="cpu")
    Forecaster(training=training).fit(panel)


def _restart_peak() -> float:
    """Reset the peak of memory, where Linux can; return the present memory, in MB."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5")  # proc_pid_clear_refs(5)
    resident: int = psutil.Process().memory_info().rss
    return resident / 1e6


def _peak_mb() -> float:
    """Return the peak resident memory of this process, in MB.

    ``VmHWM`` rather than ru_maxrss, which in Linux is at least the peak of the parent
    process.
    """
    if STATUS.exists():
        match = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())
        if match:
            return int(match[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB


if __name__ == "__main__":
    main()
