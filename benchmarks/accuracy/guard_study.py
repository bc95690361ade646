"""Command that compares guarded networks with every simple baseline, in a backtest.

    python -m benchmarks.accuracy.guard_study [--data FOLDER] [--presets guarded ...]

The bundled series are in the repository; FOLDER holds the files named in `CASES`, and a
file that is missing is left out with a word. Every model is fitted to the observations
before the first fold and forecasts all folds; a row is printed for each series, preset
and cell: the error of the guarded model, of the network alone and of the best baseline,
and the methods that answer. ``short`` rows are means over pieces of 36 to 60 months.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import ForecastingError
from forecasting.evaluation.backtest import EvaluationConfig, Fit, backtest
from forecasting.evaluation.baselines import RULES, Baseline
from forecasting.evaluation.scores import score
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.presets import PRESETS, Preset, forecaster_for
from forecasting.io import read_csv

BUNDLED = Path(__file__).parents[2] / "data"
CELLS = ("rnn", "lstm", "gru")
GUARDED_PRESETS = tuple(preset for preset in PRESETS if preset != "classic")
PIECE_LENGTHS = (36, 48, 60)
PIECES = 6  # of each length and series, by default
SHORT_HORIZON = 6

Row = dict[str, Any]


class Case(NamedTuple):
    """A series and its windows: as in its job, or two seasons in and one ahead.

    Attributes:
        path: file name.
        columns: of time and target.
        windows: seq_len of the guarded preset, and horizon.
        loss: of the training; the metric is scaled like it.
        is_monthly: pieces of the series are cut for the ``short`` rows.
    """

    path: str
    columns: tuple[str, str] = ("ds", "y")
    windows: tuple[int, int] = (24, 12)
    loss: str = "mae"
    is_monthly: bool = False

    @property
    def metric(self) -> str:
        """Metric that is compared."""
        return "rmsse" if self.loss == "mse" else "mase"


CASES = {
    "stocks": Case("stocks.csv", ("Date", "Close"), (5, 2)),
    "rainfall": Case("rainfall.csv", ("date", "precipitation"), (5, 2), "mse"),
    "rainfall absolute": Case("rainfall.csv", ("date", "precipitation"), (5, 2)),
    "sunspots": Case("sunspots.csv", ("Month", "Sunspots"), (36, 12), is_monthly=True),
    "retail monthly": Case("retail_monthly_australia.csv", is_monthly=True),
    "retail annual": Case("retail_annual_australia.csv", windows=(5, 2)),
    "heart rate": Case("heart_rate.csv", windows=(20, 10)),
    "airpassengers": Case("airpassengers.csv", is_monthly=True),
    "rain monthly": Case("rain_monthly_oxford.csv", is_monthly=True),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 2 bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.guard_study",
        description="Compare guarded networks with simple baselines.",
    )
    parser.add_argument("--data", type=Path, help="folder of the files not bundled")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument(
        "--presets", nargs="+", choices=GUARDED_PRESETS, default=GUARDED_PRESETS
    )
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=CELLS)
    parser.add_argument("--short", action="store_true", help="pieces of months only")
    parser.add_argument("--pieces", type=int, default=PIECES, help="of each length")
    parser.add_argument("--steps", type=int, help="optimizer steps, to try the command")
    parser.add_argument("--json", type=Path, help="file for all figures, a row a line")
    options = parser.parse_args(arguments)
    measure = measure_pieces if options.short else measure_cases
    rows: list[Row] = []
    try:
        for row in measure(_read_panels(options), options):
            print(format_row(row), flush=True)
            rows.append(row)
            if options.json:
                text = "".join(json.dumps(row) + "\n" for row in rows)
                options.json.write_text(text)
    except ForecastingError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


def measure_cases(
    panels: dict[str, Panel], options: argparse.Namespace
) -> Iterator[Row]:
    """Yield a row for each series, preset and cell."""
    for name, panel in panels.items():
        for preset in options.presets:
            yield from measure_panel(name, panel, preset, options)


def measure_pieces(
    panels: dict[str, Panel], options: argparse.Namespace
) -> Iterator[Row]:
    """Yield a row for each piece of the monthly series, then their mean ratios."""
    rows: list[Row] = []
    for name, panel in panels.items():
        if CASES[name].is_monthly:
            for label, piece in cut_pieces(name, panel, options.pieces):
                rows += measure_panel(label, piece, "accurate", options, short=name)
                yield rows[-1]
    for length in PIECE_LENGTHS:
        of_length = [row for row in rows if row["name"].startswith(f"{length} ")]
        if of_length:
            yield _mean_row(f"{length} months, {len(of_length)} pieces", of_length)


def measure_panel(
    name: str,
    panel: Panel,
    preset: Preset,
    options: argparse.Namespace,
    *,
    short: str | None = None,
) -> Iterator[Row]:
    """Yield a row for each cell; ``short`` names the case that the panel is cut of."""
    case = CASES[short or name]
    horizon = SHORT_HORIZON if short else case.windows[1]
    given: dict[str, Any] = {"training.device": "cpu", "training.loss": case.loss}
    if options.steps:
        given["training.steps"] = options.steps
    if preset != "accurate":
        given["windows.seq_len"] = case.windows[0]
    season = panel.calendar.season_length
    seq_len = min(case.windows[0], len(panel.values) // 2)
    folds = EvaluationConfig().origins(panel, seq_len=seq_len, horizon=horizon)
    baselines: dict[str, Fit] = {
        rule: Baseline(rule, seq_len=seq_len, horizon=horizon, season_length=season).fit
        for rule in RULES
        if rule != "seasonal_naive" or season > 1
    }
    for cell in options.cells[-1:] if short else options.cells:
        fitted: list[Forecaster] = []

        def fit(seen: Panel, cell: str, fitted: list[Forecaster]) -> Forecaster:
            settings = {**given, "model.cell": cell}
            model = forecaster_for(seen, preset, horizon=horizon, given=settings)
            fitted.append(model.fit(seen))
            return fitted[-1]

        fits: dict[str, Fit] = {
            **baselines,
            "guarded": partial(fit, cell=cell, fitted=fitted),
        }
        fits["network"] = partial(_without_guard, fitted=fitted)
        table = backtest(fits, panel, folds, horizon=horizon, levels=())
        scores = score(table, panel, folds, season_length=season, metric=case.metric)[
            case.metric
        ]
        yield _row(
            name,
            preset,
            cell,
            case.metric,
            {str(k): float(v) for k, v in scores.items()},
            folds,
            fitted[0],
        )


def _without_guard(_: Panel, fitted: list[Forecaster]) -> Forecaster:
    """Return the network alone of the model that was fitted first."""
    return fitted[0].without_guard()


def cut_pieces(name: str, panel: Panel, count: int) -> Iterator[tuple[str, Panel]]:
    """Yield pieces of one series, ``count`` of each length, with their names."""
    for length in PIECE_LENGTHS:
        starts = np.linspace(0, len(panel.values) - length, count).astype(np.int64)
        for start in np.unique(starts):
            piece = panel.pieces(
                np.zeros(1, np.int64), np.array([start]), np.array([start + length])
            )
            yield f"{length} of {name} from {start}", piece


def _row(
    name: str,
    preset: str,
    cell: str,
    metric: str,
    errors: dict[str, float],
    folds: list[Origins],
    model: Forecaster,
) -> Row:
    simple = {rule: errors[rule] for rule in RULES if rule in errors}
    best = min(simple, key=lambda rule: simple[rule])
    return {
        "name": name,
        "preset": preset,
        "cell": cell,
        "metric": metric,
        "folds": len(folds),
        "guarded": errors["guarded"],
        "network": errors["network"],
        "best": best,
        "ratio": errors["guarded"] / simple[best],
        "answers": " ".join(model.trained.method_counts),
        **simple,
    }


def _mean_row(name: str, rows: list[Row]) -> Row:
    """Return geometric means of the errors of pieces, in units of seasonal naive."""
    mean = dict(rows[0], name=name, best="seasonal_naive", folds=rows[0]["folds"])
    answers = [row["answers"] for row in rows]
    counts = {method: answers.count(method) for method in dict.fromkeys(answers)}
    mean["answers"] = " ".join(f"{method} {counts[method]}" for method in counts)
    for key in ("guarded", "network", *RULES):
        ratios = [row[key] / row["seasonal_naive"] for row in rows]
        mean[key] = float(np.exp(np.log(np.maximum(ratios, 1e-9)).mean()))
    return dict(mean, ratio=mean["guarded"])


def _read_panels(options: argparse.Namespace) -> dict[str, Panel]:
    panels = {}
    for name in options.cases:
        case = CASES[name]
        folders = [BUNDLED] + ([options.data] if options.data else [])
        paths = [folder / case.path for folder in folders]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            print(f"{name}: no {case.path}, left out (see --data)", file=sys.stderr)
            continue
        time, target = case.columns
        panels[name] = read_csv(path, time=time, target=target)
    return panels


def format_row(row: Row) -> str:
    """Return a row of the table: errors, ratio to the best baseline, methods."""
    simple = "  ".join(f"{rule} {row[rule]:.3f}" for rule in RULES if rule in row)
    return (
        f"{row['name']:26} {row['preset']:8} {row['cell']:4} {row['metric']:5} "
        f"{row['folds']:3} folds  guarded {row['guarded']:.3f}  "
        f"network {row['network']:.3f}  x {row['ratio']:.3f} {row['best']}  "
        f"[{row['answers']}]  {simple}"
    )


if __name__ == "__main__":
    sys.exit(main())
