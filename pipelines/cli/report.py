"""What the commands say: tables for people, one idea a table."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # `recast models` need not wait for torch
    from forecasting.data.forecast import Forecast
    from forecasting.explanation.explain import Explanation
    from forecasting.types import FloatArray
    from pipelines.jobs.train import Outcome
    from pipelines.tracking.registry import ModelRow
SHOWN_ROWS = 24  # of a forecast


SHOWN_LAGS = 8  # columns of an explanation


SHADES = ((30, 90), (45, 220), (75, 160))  # red, green, blue: of nothing, of the most


SHOWN_TRIALS = 5  # of a search


SHORT = {  # so that a row of settings fits into 80 columns
    "seq_len": "seq len",
    "hidden_size": "hidden",
    "num_layers": "layers",
    "normalization": "scaling",
    "batch_size": "batch",
    "learning_rate": "rate",
}


def leaderboard(
    console: Console, scores: pd.DataFrame, *, metric: str, title: str
) -> None:
    """Print a row a model, best first, with its skill over the naive forecast.

    Behind the errors stand the shares of actual values inside the intervals, and the
    scaled interval score of the widest level.

    Args:
        console: where to.
        scores: what `forecasting.evaluation.scores.score` returned.
        metric: what the models are ranked by, and skill is measured in.
        title: what was tested.
    """
    intervals = [c for c in map(str, scores) if c.startswith("coverage_")]
    scaled = [c for c in map(str, scores) if c.startswith("msis_")][-1:]  # the widest
    errors = [metric, *(name for name in ("mase", "mae", "rmse") if name != metric)]
    table = _table(title)
    table.add_column("model", no_wrap=True)
    for name in (errors[0].upper(), "skill", *map(str.upper, errors[1:])):
        table.add_column(name, justify="right")
    for column in intervals:
        table.add_column(f"in {column.removeprefix('coverage_')} %", justify="right")
    for column in scaled:
        table.add_column(f"MSIS {column.removeprefix('msis_')}", justify="right")
    for model, row in scores.iterrows():
        values = [_number(row[name]) for name in errors]
        values.insert(1, _number(row["skill"], "+.1%"))
        values += [_number(row[column], ".0%") for column in intervals]
        values += [_number(row[column]) for column in scaled]
        table.add_row(str(model).replace("_", " "), *values)
    console.print(table)


def trials(console: Console, found: pd.DataFrame, *, metric: str, title: str) -> None:
    """Print the best trials of a search, best first, a column a setting.

    Args:
        console: where to.
        found: what `pipelines.jobs.tune.list_trials` returned.
        metric: what the trials are ranked by.
        title: what was searched.
    """
    table = _table(title)
    settings = [name for name in map(str, found) if "." in name]
    for name in ("trial", metric.upper()):
        table.add_column(name, justify="right")
    for name in settings:
        key = name.split(".")[1]
        table.add_column(SHORT.get(key, key), justify="right", no_wrap=True)
    complete = found[found["state"] == "complete"]
    for _, row in complete.head(SHOWN_TRIALS).iterrows():
        cells = [_setting(row[name]) for name in settings]
        table.add_row(str(row["trial"]), _number(row["value"]), *cells)
    console.print(table)
    count = {state: int((found["state"] == state).sum()) for state in found["state"]}
    said = ", ".join(f"{count[state]} {state}" for state in sorted(count))
    console.print(f"{len(found)} trials: {said}")


def _setting(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.2g}"
    return str(value)


def _table(title: str | None = None) -> Table:
    """Return a table that fits into 80 columns."""
    return Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )


def _number(value: float, form: str = "") -> str:
    if math.isnan(value):
        return "-"
    return format(value, form or (",.0f" if abs(value) >= 10_000 else ".4g"))


def outcome(console: Console, result: "Outcome") -> None:
    """Print what was registered, and whether it became champion."""
    console.print(
        f"[bold]{result.name}[/] version [bold]{result.version}[/] registered "
        f"({result.seconds:.1f} s on {result.device})"
    )
    verb = "now" if result.verdict.promote else "not"
    console.print(f"{verb} {result.alias}: {result.verdict.reason}")
    if result.verdict.warning:
        console.print(f"[yellow]warning:[/] {result.verdict.warning}")


def notes(console: Console, said: Sequence[str]) -> None:
    """Print what was guessed or mended while reading."""
    for note in said:
        console.print(f"note: {note}", style="dim", markup=False)


def forecasts(console: Console, forecast: "Forecast", title: str) -> None:
    """Print a forecast, its first rows when it is long."""
    frame = forecast.to_frame()
    table = _table(title)
    table.add_column("series", overflow="fold")
    for name in ("step", "timestamp", "point"):
        table.add_column(name, justify="right", no_wrap=True)
    for level in forecast.intervals:
        table.add_column(f"{level:g} % interval", justify="right", no_wrap=True)
    for _, row in frame.head(SHOWN_ROWS).iterrows():
        bounds = [
            f"{row[f'lower_{level:g}']:.5g} to {row[f'upper_{level:g}']:.5g}"
            for level in forecast.intervals
        ]
        moment, point = _moment(row["timestamp"]), f"{row['point']:.5g}"
        table.add_row(str(row["series_id"]), str(row["step"]), moment, point, *bounds)
    console.print(table)
    if len(frame) > SHOWN_ROWS:
        console.print(f"... {len(frame)} rows in all; --output FILE.csv writes them")


def explanation(console: Console, made: "Explanation", title: str) -> None:
    """Print how a forecast's steps share their attention, in percent and in shades.

    Args:
        console: where to.
        made: what was explained; neighbouring lags are summed when there are many.
        title: of the model.
    """
    parts = made.by_feature()
    total = sum(part.sum(1, keepdims=True) for part in parts.values())
    shares = {n: part / np.where(total > 0, total, 1) for n, part in parts.items()}
    lags, values = _grouped(made.lags, shares.pop(made.target))
    values = np.column_stack([values, *(part.sum(1) for part in shares.values())])
    console.print(f"{title}: percent of each step's importance, by lag", markup=False)
    table = _table()
    for name in ("step", *lags, *shares):
        table.add_column(name, justify="right")
    for step, row in enumerate(values[:SHOWN_ROWS], 1):
        cells = [_shaded(value, value / (values.max() or 1)) for value in row]
        table.add_row(str(step), *cells)
    console.print(table)
    counted = f"{len(values)} steps; mean of {made.windows} windows"
    console.print(f"{counted}; --output FILE.csv or FILE.png writes it all")


def _grouped(lags: list[int], shares: "FloatArray") -> tuple[list[str], "FloatArray"]:
    """Return at most SHOWN_LAGS sums of neighbouring columns, and their names."""
    groups = np.array_split(np.arange(len(lags)), min(len(lags), SHOWN_LAGS))
    names = [
        f"{lags[group[0]]}-{lags[group[-1]]}" if len(group) > 1 else f"{lags[group[0]]}"
        for group in groups
    ]
    return names, np.column_stack([shares[:, group].sum(1) for group in groups])


def _shaded(share: float, strength: float) -> Text:
    """Return a share in percent on a ground from dark to bright."""
    red, green, blue = (round(low + strength * (high - low)) for low, high in SHADES)
    ink = "black" if strength > 0.5 else "white"
    return Text(f"{100 * share:.1f}", style=f"{ink} on rgb({red},{green},{blue})")


def _moment(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.date() if value == value.normalize() else value)
    return str(value)


def models(console: Console, rows: Sequence["ModelRow"]) -> None:
    """Print registered versions, their aliases and errors."""
    table = _table()
    for name in ("model", "version", "aliases", "cell"):
        table.add_column(name)
    for name in ("MASE", "skill", "trained until"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            _plain(row.name),
            row.version,
            _plain(", ".join(row.aliases)),
            _plain(row.tags.get("label", "")),
            _number(row.metrics.get("mase", math.nan)),
            _number(row.metrics.get("skill", math.nan), "+.1%"),
            _plain(row.tags.get("trained_until", "").removesuffix("T00:00:00")),
        )
    console.print(table)


def _plain(text: str) -> Text:
    """Return a text of anybody's as it is: no markup, nothing that moves a cursor."""
    return Text(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    )
