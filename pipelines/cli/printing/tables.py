"""Terminal output of the commands: a table or a line for each kind of result."""

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecasting.display.numbers import count_decimals, readable
from pipelines.config.aliases import CHAMPION
from pipelines.output.files import isoformat

if TYPE_CHECKING:  # `recast models` need not wait for torch
    from forecasting.data.forecast import Forecast
    from forecasting.evaluation.skill import Evidence
    from forecasting.explanation.explain import Explanation
    from forecasting.types import FloatArray
    from pipelines.jobs.registration import Outcome
    from pipelines.tracking.registry import ModelRow

SHOWN_ROWS = 24  # rows of a forecast
SHOWN_LAGS = 8  # columns of an explanation

# Red, green and blue of the lowest and of the highest share.
SHADE_RANGES = ((30, 90), (45, 220), (75, 160))
SHOWN_TRIALS = 5  # trials of a search

SHORT_LABELS = {  # so that a row of settings fits into 80 columns
    "seq_len": "seq len",
    "hidden_size": "hidden",
    "num_layers": "layers",
    "normalization": "scaling",
    "batch_size": "batch",
    "learning_rate": "rate",
}


def print_leaderboard(
    console: Console, scores: pd.DataFrame, *, metric: str, title: str
) -> None:
    """Print a row per model, best first, with its skill over the naive forecast.

    The last columns are the share of actual values inside each interval, and the
    scaled interval score of the widest level.

    Args:
        console: output.
        scores: as returned by `forecasting.evaluation.scores.score`.
        metric: metric of the ranking and of the skill.
        title: heading of the table.
    """
    intervals = [c for c in map(str, scores) if c.startswith("coverage_")]
    scaled = [c for c in map(str, scores) if c.startswith("msis_")][-1:]  # the widest
    errors = [metric, *(name for name in ("mase", "mae", "rmse") if name != metric)]
    table = plain_table(title)
    table.add_column("model", no_wrap=True)
    for name in (errors[0].upper(), "skill", *map(str.upper, errors[1:])):
        table.add_column(name, justify="right")
    for column in intervals:
        table.add_column(f"in {column.removeprefix('coverage_')} %", justify="right")
    for column in scaled:
        table.add_column(f"MSIS {column.removeprefix('msis_')}", justify="right")
    for model, row in scores.iterrows():
        values = [format_number(row[name]) for name in errors]
        values.insert(1, format_number(row["skill"], "+.1%"))
        values += [format_number(row[column], ".0%") for column in intervals]
        values += [format_number(row[column]) for column in scaled]
        table.add_row(str(model).replace("_", " "), *values)
    console.print(table)


def print_trials(
    console: Console, trials: pd.DataFrame, *, metric: str, title: str
) -> None:
    """Print the best trials of a search, best first, with a column per setting.

    Args:
        console: output.
        trials: as returned by `pipelines.search.tune.list_trials`.
        metric: metric of the ranking.
        title: heading of the table.
    """
    table = plain_table(title)
    settings = [name for name in map(str, trials) if "." in name]
    for name in ("trial", metric.upper()):
        table.add_column(name, justify="right")
    for name in settings:
        key = name.split(".")[1]
        table.add_column(SHORT_LABELS.get(key, key), justify="right", no_wrap=True)
    complete = trials[trials["state"] == "complete"]
    for _, row in complete.head(SHOWN_TRIALS).iterrows():
        cells = [_setting(row[name]) for name in settings]
        table.add_row(str(row["trial"]), format_number(row["value"]), *cells)
    console.print(table)
    count = {state: int((trials["state"] == state).sum()) for state in trials["state"]}
    counts = ", ".join(f"{count[state]} {state}" for state in sorted(count))
    console.print(f"{len(trials)} trials: {counts}")


def _setting(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.2g}"
    return str(value)


def plain_table(title: str | None = None) -> Table:
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


def format_number(value: float, form: str = "") -> str:
    """Return a number in a form, or with the digits that a reader needs."""
    if form and math.isfinite(value):
        return format(value, form)
    return readable(value)


def print_outcome(console: Console, result: "Outcome") -> None:
    """Print the registered version, its evidence and the verdict on its promotion."""
    console.print(
        f"[bold]{result.name}[/] version [bold]{result.version}[/] registered "
        f"({result.seconds:.1f} s on {result.device})"
    )
    for finding in result.findings:
        console.print(finding, markup=False)
    console.print(f"answers: {_answers(result)}", markup=False)
    print_evidence(console, result.evidence)
    verb = "now" if result.verdict.promote else "not"
    console.print(f"{verb} {result.alias}: {result.verdict.reason}")
    if result.verdict.warning:
        console.print(f"[yellow]warning:[/] {result.verdict.warning}")
    console.print(f"run: {result.page}", markup=False, soft_wrap=True)


def print_evidence(console: Console, evidence: "Evidence") -> None:
    """Print the size of a backtest, and the skill with its interval."""
    from forecasting.evaluation.evidence import describe_evidence

    console.print(f"evidence: {describe_evidence(evidence)}", markup=False)


def _answers(result: "Outcome") -> str:
    """Return the methods that answer, and the gain of the network."""
    from forecasting.display.wording import describe_methods

    text = describe_methods(result.methods)
    total, simple = sum(result.methods.values()), 0
    for method, count in result.methods.items():
        simple += count * (method not in ("network", "halfway"))
    if not simple:
        return text
    where = "" if simple == total else " there"
    return f"{text}; the network gained nothing{where}"


def print_next_steps(console: Console, reference: str) -> None:
    """Print the commands that forecast with a new version, explain and serve it.

    Args:
        console: output.
        reference: to the version, see `name_reference`.
    """
    model = shlex.quote(reference)
    steps = {
        f"recast forecast {model}": "continues the series",
        f"recast explain {model}": "shows what the forecast depends on",
        "recast serve": f"serves each {CHAMPION}: http://127.0.0.1:8000",
    }
    width = max(map(len, steps))
    for number, (command, effect) in enumerate(steps.items()):
        start = "      " if number else "next: "
        console.print(f"{start}{command:{width}}  {effect}", markup=False)


def name_reference(name: str, version: str, alias: str | None) -> str:
    """Return the shortest reference to a version.

    Args:
        name: of the model.
        version: its number.
        alias: that points to it; None for none.
    """
    if alias is None:
        return f"{name}/{version}"
    return name if alias == CHAMPION else f"{name}@{alias}"


def print_notes(console: Console, notes: Sequence[str]) -> None:
    """Print notes on inferred columns, repaired data and choices of a preset."""
    for note in notes:
        console.print(f"note: {note}", style="dim", markup=False)


def print_forecast(console: Console, forecast: "Forecast", title: str) -> None:
    """Print the first rows of a forecast."""
    frame = forecast.to_frame()
    table = plain_table(title)
    table.add_column("series", overflow="fold")
    for name in ("step", "timestamp", "point"):
        table.add_column(name, justify="right", no_wrap=True)
    for level in forecast.intervals:
        table.add_column(f"{level:g} % interval", justify="right", no_wrap=True)
    if forecast.methods:
        table.add_column("method")
    decimals = [count_decimals(row) for row in forecast.points.tolist()]
    for place, (_, row) in enumerate(frame.head(SHOWN_ROWS).iterrows()):
        form = f",.{decimals[place // forecast.horizon]}f"
        bounds = [
            f"{row[f'lower_{level:g}']:{form}} to {row[f'upper_{level:g}']:{form}}"
            for level in forecast.intervals
        ]
        stamp, point = _timestamp(row["timestamp"]), f"{row['point']:{form}}"
        method = [str(row["method"]).replace("_", " ")] if forecast.methods else []
        name, step = str(row["series_id"]), str(row["step"])
        table.add_row(name, step, stamp, point, *bounds, *method)
    console.print(table)
    if len(frame) > SHOWN_ROWS:
        console.print(f"... {len(frame)} rows in all; --output FILE.csv writes them")


def print_explanation(console: Console, explanation: "Explanation", title: str) -> None:
    """Print the importance of lags and covariates for each step, in percent.

    Args:
        console: output.
        explanation: neighbouring lags are summed when there are many.
        title: name of the model.
    """
    from forecasting.display.wording import describe_methods

    shares = explanation.shares()
    lags, values = _sum_lag_groups(explanation.lags, shares.pop(explanation.target))
    values = np.column_stack([values, *(part.sum(1) for part in shares.values())])
    console.print(f"{title}: percent of each step's importance, by lag", markup=False)
    if explanation.methods:
        methods = Counter(explanation.methods.values()).most_common()
        alone = "the network alone; " if explanation.part == "network" else ""
        answers = describe_methods(dict(methods))
        console.print(f"{alone}answers: {answers}", markup=False)
    table = plain_table()
    for name in ("step", *lags, *shares):
        table.add_column(name, justify="right")
    for step, row in enumerate(values[:SHOWN_ROWS], 1):
        cells = [_shade(value, value / (values.max() or 1)) for value in row]
        table.add_row(str(step), *cells)
    console.print(table)
    size = f"{len(values)} steps; mean of {explanation.windows} windows"
    console.print(f"{size}; --output FILE.csv or FILE.png writes it all")


def _sum_lag_groups(
    lags: list[int], shares: "FloatArray"
) -> tuple[list[str], "FloatArray"]:
    """Return at most SHOWN_LAGS sums of neighbouring columns, and their names."""
    groups = np.array_split(np.arange(len(lags)), min(len(lags), SHOWN_LAGS))
    names = [
        f"{lags[group[0]]}-{lags[group[-1]]}" if len(group) > 1 else f"{lags[group[0]]}"
        for group in groups
    ]
    return names, np.column_stack([shares[:, group].sum(1) for group in groups])


def _shade(share: float, strength: float) -> Text:
    """Return a share in percent on a background from dark (0) to bright (1)."""
    red, green, blue = (
        round(low + strength * (high - low)) for low, high in SHADE_RANGES
    )
    ink = "black" if strength > 0.5 else "white"
    return Text(f"{100 * share:.1f}", style=f"{ink} on rgb({red},{green},{blue})")


def _timestamp(value: object) -> str:
    if isinstance(value, pd.Timestamp) and value.tz is not None:
        return isoformat(value)
    if isinstance(value, pd.Timestamp):
        return str(value.date() if value == value.normalize() else value)
    return str(value)


def print_models(console: Console, rows: Sequence["ModelRow"]) -> None:
    """Print registered versions with their aliases and errors."""
    table = plain_table()
    for name in ("model", "version", "aliases", "cell", "answers"):
        table.add_column(name)
    for name in ("MASE", "skill", "trained until"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            sanitize(row.name),
            row.version,
            sanitize(", ".join(row.aliases)),
            sanitize(row.tags.get("label", "").removeprefix("guarded ")),
            sanitize(row.tags.get("answers", "")),
            format_number(row.metrics.get("mase", math.nan)),
            format_number(row.metrics.get("skill", math.nan), "+.1%"),
            sanitize(row.tags.get("trained_until", "").removesuffix("T00:00:00")),
        )
    console.print(table)


def sanitize(text: str) -> Text:
    """Return untrusted text without markup and control characters."""
    return Text(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    )
