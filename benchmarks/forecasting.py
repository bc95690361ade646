"""Command that measures the speed of forecasts of one series and of many series.

    python -m benchmarks.forecasting [--quick] [--json FILE]

One series: `Forecaster.predict` with its intervals and timestamps, and `forecast_at`
without them, alternate with the eager `network(inputs)` call by call, so that the
processor's caches are in the same state for all three; medians are compared. Many
series: each has 24 to 200 days and is unknown to the model. They are forecast in a
separate process; growth of memory is its peak less the peak before.
"""

import argparse
import gc
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common.usage import RSS_PER_MB
from forecasting import Forecaster, Panel, forecaster_for
from forecasting.data.splits import last_origins
from forecasting.selection.guard import RUNGS
from forecasting.timestamps.calendar import Calendar

DAY = np.timedelta64(1, "D").astype("timedelta64[ns]")
SIZES = ((5, 2), (36, 12))  # seq_len and horizon
NORMALIZATIONS = ("standard", "ets")  # by series statistics and by smoothing
SERIES_COUNTS = (1, 1_000, 100_000)

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forecasting",
        description="Measure how fast forecasts are made.",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.quick:
        single_rows = measure_single_series(SIZES[:1], rounds=20)
        many_rows = measure_many_series(NORMALIZATIONS[:1], [100])
    else:
        single_rows = measure_single_series(SIZES, rounds=2000)
        many_rows = measure_many_series(NORMALIZATIONS, SERIES_COUNTS)
    figures = {
        "one": _print_table("one series", single_rows),
        "many": _print_table("many series", many_rows),
    }
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure_single_series(
    sizes: Sequence[tuple[int, int]], rounds: int
) -> Iterator[Row]:
    """Yield the time of forecasts of one series, in microseconds and as a ratio.

    The ratio is to the time of the bare network. There is a row for each model.

    Args:
        sizes: seq_len and horizon of each model.
        rounds: number of calls of each function.
    """
    panel = make_panel(1)
    for seq_len, horizon in sizes:
        for model, forecaster in _models(panel, seq_len, horizon):
            bare, predict, forecast_at = _medians(_calls(forecaster, panel), rounds)
            yield {
                "model": model,
                "seq_len": seq_len,
                "horizon": horizon,
                "bare_us": round(bare, 1),
                "predict_us": round(predict, 1),
                "predict_ratio": round(predict / bare, 2),
                "forecast_at_us": round(forecast_at, 1),
                "forecast_at_ratio": round(forecast_at / bare, 2),
            }


def measure_many_series(
    normalizations: Sequence[str], counts: Sequence[int]
) -> Iterator[Row]:
    """Yield time and memory of forecasts, a row per normalization and series count."""
    spawn = multiprocessing.get_context("spawn")
    for normalization in normalizations:
        forecaster = _fit(
            make_panel(8), 12, 6, preset="guarded", normalization=normalization
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            _set_rung(forecaster, "network").save(path)
            for count in counts:
                with ProcessPoolExecutor(1, mp_context=spawn) as process:
                    figures = process.submit(_forecast_many, path, count).result()
                yield {"normalization": normalization, **figures}


def make_panel(count: int) -> Panel:
    """Return daily series: one of 200 days, or several of 24 to 200 days each."""
    rng = np.random.default_rng(count)
    lengths = rng.integers(24, 201, count) if count > 1 else np.array([200])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    step = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return Panel(
        series_ids=tuple(f"series {i} of {count}" for i in range(count)),
        values=50 + 10 * np.sin(step * 2 * np.pi / 7) + rng.normal(size=len(step)),
        offsets=offsets,
        timestamps=np.datetime64("2026-01-01", "ns") + step * DAY,
        calendar=Calendar("D"),
    )


def _models(
    panel: Panel, seq_len: int, horizon: int
) -> Iterator[tuple[str, Forecaster]]:
    """Yield a classic model, and a guarded model with the series on each rung."""
    yield "classic", _fit(panel, seq_len, horizon, preset="classic")
    guarded = _fit(panel, seq_len, horizon, preset="guarded")
    for rung in ("network", "halfway", "linear"):
        yield f"guarded: {rung}", _set_rung(guarded, rung)


def _fit(panel: Panel, seq_len: int, horizon: int, **options: Any) -> Forecaster:
    preset = options["preset"]
    keys = {"windows.seq_len": seq_len, "training.epochs": 1, "training.device": "cpu"}
    if "normalization" in options:
        keys["model.normalization"] = options["normalization"]
    return forecaster_for(panel, preset, horizon=horizon, given=keys).fit(panel)


def _set_rung(forecaster: Forecaster, rung: str) -> Forecaster:
    """Set one rung of the guard for all series, trained or new."""
    fitted, rung_index = forecaster.trained.as_global(), RUNGS.index(rung)
    assert fitted.guard is not None
    rungs = np.full(len(fitted.guard.by_series), rung_index)
    guard = replace(fitted.guard, default=rung_index, by_series=rungs)
    forecaster.trained = replace(fitted, guard=guard)
    return forecaster


def _calls(forecaster: Forecaster, panel: Panel) -> list[Callable[[], object]]:
    networks, origins = forecaster.trained.as_global().networks, last_origins(panel)
    network = networks[0]
    inputs = torch.randn(1, network.seq_len, 1)

    def bare() -> torch.Tensor:
        with torch.no_grad():
            forecast: torch.Tensor = network(inputs)
        return forecast

    return [
        bare,
        lambda: forecaster.predict(panel),
        lambda: forecaster.forecast_at(panel, origins),
    ]


def _medians(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median microseconds of each function, called in turns.

    The first ten rounds warm up and are not counted.
    """
    nanoseconds = np.empty((rounds + 10, len(calls)))
    for durations in nanoseconds:
        for position, call in enumerate(calls):
            start = time.perf_counter_ns()
            call()
            durations[position] = time.perf_counter_ns() - start
    return [float(median) for median in np.median(nanoseconds[10:], axis=0) / 1e3]


def _forecast_many(path: Path, count: int) -> Row:
    """Forecast a number of series and return time and memory; a process's target."""
    torch.set_num_threads(1)
    forecaster, panel = Forecaster.load(path, device="cpu"), make_panel(count)
    calls = max(200 // count, 1)
    for _ in range(min(calls, 20)):  # the first calls are slow: caches are cold
        forecaster.predict(make_panel(1))
    gc.collect()
    peak_before, start = _peak_mb(reset=True), time.process_time()
    for _ in range(calls):
        forecast = forecaster.predict(panel)
    seconds = (time.process_time() - start) / calls
    bounds = sum(len(pair) for pair in forecast.intervals.values())
    return {
        "series": count,
        "us_per_series": round(seconds / count * 1e6, 1),
        "series_per_s": round(count / seconds),
        "data_mb": round((panel.values.nbytes + panel.timestamps.nbytes) / 1e6, 1),
        "answer_mb": round((2 + bounds) * forecast.points.nbytes / 1e6, 1),
        "growth_mb": round(_peak_mb() - peak_before, 1),
    }


def _peak_mb(*, reset: bool = False) -> float:
    """Return the peak resident memory in MB; reset it first, where Linux can."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = status.read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6


def _print_table(title: str, rows: Iterator[Row]) -> list[Row]:
    """Print each row of a Markdown table when it is measured; return all rows."""
    printed: list[Row] = []
    print(f"\n{title}\n")
    for row in rows:
        if not printed:
            print(f"| {' | '.join(row)} |\n{'|---' * len(row)}|")
        print(f"| {' | '.join(map(str, row.values()))} |", flush=True)
        printed.append(row)
    return printed


if __name__ == "__main__":
    sys.exit(main())
