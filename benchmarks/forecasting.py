"""How fast forecasts are made: of one series beside its bare network, and of many.

    python -m benchmarks.forecasting [--quick] [--json FILE]

One series: `Forecaster.predict` with its intervals and timestamps, and `forecast_at`
without them, take turns with the eager `network(inputs)` call by call, so that all
find the processor's caches alike; the medians count. Many: series of 24 to 200 days
that the model has not seen, in a process of their own; its memory before is taken off.
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
MANY = ("standard", "ets")  # normalizations: of the series, and by smoothing
COUNTS = (1, 1_000, 100_000)

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.forecasting",
        description="Measure how fast forecasts are made.",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it")
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if asked.quick:
        one = _show("one series", measure_one(SIZES[:1], rounds=20))
        many = _show("many series", measure_many(MANY[:1], [100]))
    else:
        one = _show("one series", measure_one(SIZES, rounds=2000))
        many = _show("many series", measure_many(MANY, COUNTS))
    if asked.json is not None:
        asked.json.write_text(json.dumps({"one": one, "many": many}, indent=2) + "\n")
    return 0


def measure_one(sizes: Sequence[tuple[int, int]], rounds: int) -> Iterator[Row]:
    """Yield what a forecast of one series costs, in microseconds and bare networks.

    Args:
        sizes: seq_len and horizon of each model.
        rounds: calls of each.
    """
    panel = make_panel(1)
    for seq_len, horizon in sizes:
        for model, forecaster in _models(panel, seq_len, horizon):
            bare, predict, at = _medians(_calls(forecaster, panel), rounds)
            yield {
                "model": model,
                "seq_len": seq_len,
                "horizon": horizon,
                "bare_us": round(bare, 1),
                "predict_us": round(predict, 1),
                "predict_ratio": round(predict / bare, 2),
                "forecast_at_us": round(at, 1),
                "forecast_at_ratio": round(at / bare, 2),
            }


def measure_many(normalizations: Sequence[str], counts: Sequence[int]) -> Iterator[Row]:
    """Yield what forecasts of many series take, a row a normalization and count."""
    spawn = multiprocessing.get_context("spawn")
    for normalization in normalizations:
        forecaster = _fit(
            make_panel(8), 12, 6, preset="guarded", normalization=normalization
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            _stand_on(forecaster, "network").save(path)
            for count in counts:
                with ProcessPoolExecutor(1, mp_context=spawn) as process:
                    found = process.submit(_forecast_many, path, count).result()
                yield {"normalization": normalization, **found}


def make_panel(count: int) -> Panel:
    """Return daily series, 200 of one or 24 to 200 days of each of many."""
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
    """Yield a classic model, and a guarded one whose series stands on each rung."""
    yield "classic", _fit(panel, seq_len, horizon, preset="classic")
    guarded = _fit(panel, seq_len, horizon, preset="guarded")
    for rung in ("network", "halfway", "linear"):
        yield f"guarded: {rung}", _stand_on(guarded, rung)


def _fit(panel: Panel, seq_len: int, horizon: int, **asked: Any) -> Forecaster:
    given = {"windows.seq_len": seq_len, "training.epochs": 1, "training.device": "cpu"}
    if "normalization" in asked:
        given["model.normalization"] = asked["normalization"]
    return forecaster_for(panel, asked["preset"], horizon=horizon, given=given).fit(
        panel
    )


def _stand_on(forecaster: Forecaster, rung: str) -> Forecaster:
    """Return the forecaster with one rung for every series, seen or not."""
    fitted, place = forecaster.fitted, RUNGS.index(rung)
    assert fitted is not None
    assert fitted.guard is not None
    every = np.full(len(fitted.guard.by_series), place)
    guard = replace(fitted.guard, default=place, by_series=every)
    forecaster.fitted = replace(fitted, guard=guard)
    return forecaster


def _calls(forecaster: Forecaster, panel: Panel) -> list[Callable[[], object]]:
    assert forecaster.fitted is not None
    network, origins = forecaster.fitted.networks[0], last_origins(panel)
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
    """Return the median of each call in microseconds, taken turn by turn."""
    spent = np.empty((rounds + 10, len(calls)))
    for turn in spent:
        for place, call in enumerate(calls):
            began = time.perf_counter_ns()
            call()
            turn[place] = time.perf_counter_ns() - began
    return [float(each) for each in np.median(spent[10:], axis=0) / 1e3]


def _forecast_many(path: Path, count: int) -> Row:
    """Forecast so many series; return what it took. Runs in a process of its own."""
    torch.set_num_threads(1)
    forecaster, panel = Forecaster.load(path, device="cpu"), make_panel(count)
    calls = max(200 // count, 1)
    for _ in range(min(calls, 20)):  # the first ones find everything cold
        forecaster.predict(make_panel(1))
    gc.collect()
    before, began = _peak_mb(anew=True), time.process_time()
    for _ in range(calls):
        forecast = forecaster.predict(panel)
    seconds = (time.process_time() - began) / calls
    bounds = sum(len(pair) for pair in forecast.intervals.values())
    return {
        "series": count,
        "us_per_series": round(seconds / count * 1e6, 1),
        "series_per_s": round(count / seconds),
        "data_mb": round((panel.values.nbytes + panel.timestamps.nbytes) / 1e6, 1),
        "answer_mb": round((2 + bounds) * forecast.points.nbytes / 1e6, 1),
        "growth_mb": round(_peak_mb() - before, 1),
    }


def _peak_mb(*, anew: bool = False) -> float:
    """Return the largest resident memory; on Linux it can begin anew."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_PER_MB
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = status.read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e6


def _show(title: str, rows: Iterator[Row]) -> list[Row]:
    """Print rows as a Markdown table while they come; return them."""
    shown: list[Row] = []
    print(f"\n{title}\n")
    for row in rows:
        if not shown:
            print(f"| {' | '.join(row)} |\n{'|---' * len(row)}|")
        print(f"| {' | '.join(map(str, row.values()))} |", flush=True)
        shown.append(row)
    return shown


if __name__ == "__main__":
    sys.exit(main())
