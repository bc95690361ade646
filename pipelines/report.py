"""What the commands say: tables for people, one idea a table."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:  # `recast models` need not wait for torch
    from forecasting.forecasts import Forecast
    from pipelines.registry import ModelRow
    from pipelines.train import Outcome

SHOWN_ROWS = 24  # of a forecast


def leaderboard(
    console: Console, scores: pd.DataFrame, *, metric: str, title: str
) -> None:
    """Print a row a model, best first, with its skill over the naive forecast.

    Args:
        console: where to.
        scores: what `forecasting.evaluation.score` returned.
        metric: what the models are ranked by, and skill is measured in.
        title: what was tested.
    """
    intervals = [c for c in map(str, scores) if c.startswith("coverage_")]
    errors = [metric, *(name for name in ("mase", "mae", "rmse") if name != metric)]
    table = _table(title)
    table.add_column("model", no_wrap=True)
    for name in (errors[0].upper(), "skill", *map(str.upper, errors[1:])):
        table.add_column(name, justify="right")
    for column in intervals:
        table.add_column(f"in {column.removeprefix('coverage_')} %", justify="right")
    for model, row in scores.iterrows():
        values = [_number(row[name]) for name in errors]
        values.insert(1, _number(row["skill"], "+.1%"))
        values += [_number(row[column], ".0%") for column in intervals]
        table.add_row(str(model).replace("_", " "), *values)
    console.print(table)


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
            row.name,
            row.version,
            ", ".join(row.aliases),
            row.tags.get("label", ""),
            _number(row.metrics.get("mase", math.nan)),
            _number(row.metrics.get("skill", math.nan), "+.1%"),
            row.tags.get("trained_until", "").removesuffix("T00:00:00"),
        )
    console.print(table)
