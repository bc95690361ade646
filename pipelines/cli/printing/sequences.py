"""Terminal output for models of discrete series."""

import math
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console

from pipelines.cli.printing.tables import (
    SHOWN_ROWS,
    format_number,
    name_reference,
    plain_table,
    print_notes,
    sanitize,
)
from pipelines.config.aliases import CHAMPION

if TYPE_CHECKING:  # `recast models` need not wait for torch
    from pipelines.jobs.sequences.registration import SequenceOutcome
    from pipelines.tracking.registry import ModelRow

MAX_COLUMNS = 8  # of a table of predictions


def print_sequences(console: Console, result: "SequenceOutcome") -> None:
    """Print the leaderboard, the registered version, its verdict and next steps."""
    print_notes(console, result.notes)
    table = plain_table(f"{result.name}: {result.test}")
    table.add_column("model", no_wrap=True)
    for name in map(str, result.scores):
        table.add_column(name.replace("_", " "), justify="right")
    for model, row in result.scores.iterrows():
        values = ["-" if math.isnan(v) else format_number(v) for v in row]
        table.add_row(str(model).replace("_", " "), *values)
    console.print(table)
    console.print(
        f"[bold]{result.name}[/] version [bold]{result.version}[/] registered "
        f"({result.seconds:.1f} s on {result.device})"
    )
    verb = "now" if result.verdict.promote else "not"
    line = f"{verb} {result.alias}: {result.verdict.reason}"
    console.print(line, markup=False, soft_wrap=True)
    if result.verdict.warning:
        console.print(f"[yellow]warning:[/] {result.verdict.warning}")
    console.print(f"run: {result.page}", markup=False, soft_wrap=True)
    alias = result.alias if result.verdict.promote else None
    model = shlex.quote(name_reference(result.name, result.version, alias))
    steps = {f"recast predict {model} --data FILE": "answers for new series"}
    if result.task == "next":
        steps |= {f"recast generate {model} --length 200": "writes symbols"}
    steps |= {"recast serve": f"serves each {CHAMPION}: http://127.0.0.1:8000"}
    width = max(map(len, steps))
    for number, (command, effect) in enumerate(steps.items()):
        start = "      " if number else "next: "
        line = f"{start}{command:{width}}  {effect}"
        console.print(line, markup=False, soft_wrap=True)


def print_sequence_models(console: Console, rows: Sequence["ModelRow"]) -> None:
    """Print registered versions of discrete series with their task and accuracy."""
    table = plain_table()
    for name in ("model", "version", "aliases", "task", "cell"):
        table.add_column(name)
    for name in ("accuracy", "perplexity", "series"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            sanitize(row.name),
            row.version,
            sanitize(", ".join(row.aliases)),
            sanitize(row.task),
            sanitize(row.tags.get("label", "")),
            *(
                format_number(row.metrics[name]) if name in row.metrics else "-"
                for name in ("accuracy", "perplexity")
            ),
            sanitize(row.tags.get("series", "")),
        )
    console.print(table)


def print_predictions(console: Console, frame: pd.DataFrame, title: str) -> None:
    """Print the first rows and columns of a table of predictions."""
    table = plain_table(title)
    names = list(frame)[:MAX_COLUMNS]
    for name in names:
        is_number = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(str(name), justify="right" if is_number else "left")
    for row in frame[names].head(SHOWN_ROWS).itertuples(index=False):
        cells = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in row]
        table.add_row(*map(sanitize, cells))
    console.print(table)
    if len(frame) > SHOWN_ROWS or len(names) < frame.shape[1]:
        size = f"{len(frame)} rows and {frame.shape[1]} columns in all"
        console.print(f"... {size}; --output FILE.csv writes them")
