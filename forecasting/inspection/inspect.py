"""Inspection of a CSV file or table: its columns, series and training; trains nothing.

It imports no network, so that an answer takes no longer than reading the file.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.data.window_spec import WindowSpec
from forecasting.errors import MAX_SHOWN, DataError, SeriesTooShort
from forecasting.evaluation.backtest import EvaluationConfig
from forecasting.inspection.findings import (
    REQUESTED,
    ColumnFinding,
    Inspection,
    SeriesFinding,
    TrainingFinding,
)
from forecasting.inspection.questions import Reading, is_question, read_on
from forecasting.io.csv_format import Table, read_table
from forecasting.io.numbers import is_number_column
from forecasting.selection.seasonality import find_seasons
from forecasting.selection.windows import choose_windows
from forecasting.timestamps.calendar import format_timestamp
from forecasting.timestamps.parsing import is_date_column

SHOWN_ROWS = 5
GUESS = re.compile(r"(?P<role>time|target|series_id): (?P<names>'.*) \((?P<why>.*)\)")
FILLED = re.compile(r"(\d+) missing moments? put in")
OPEN = "open: see the questions"
USE_NUMBERS = "not used; a covariate with --known, --past or --static"
USE_TEXT = f"{USE_NUMBERS}; names of series with --series-id"


def inspect_csv(
    path: str | Path,
    *,
    seq_len: int | None = None,
    horizon: int | None = None,
    evaluation: EvaluationConfig | None = None,
    **settings: Any,
) -> Inspection:
    """Inspect a CSV file as `read_csv` would read it.

    Args:
        path: path of the file.
        seq_len, horizon: of the training; None takes them from the frequency.
        evaluation: folds of its backtest.
        settings: attributes of `Schema`, such as ``target``.

    Raises:
        DataError: the file is no table.
        SettingError: a setting is invalid.
    """
    requested = Schema.of(**settings)
    reading = read_on(partial(read_table, path), requested)
    return inspect_reading(
        reading, requested, seq_len=seq_len, horizon=horizon, evaluation=evaluation
    )


def list_questions(path: str | Path, **settings: Any) -> tuple[str, ...]:
    """Return all questions on the columns of a CSV file; none if it is no table."""
    try:
        reading = read_on(partial(read_table, path), Schema.of(**settings))
    except DataError:
        return ()
    return tuple(str(error) for error in reading.questions if is_question(error))


def inspect_reading(
    reading: Reading,
    requested: Schema,
    *,
    seq_len: int | None = None,
    horizon: int | None = None,
    evaluation: EvaluationConfig | None = None,
) -> Inspection:
    """Inspect a table that has been read, as far as it could be.

    Args:
        reading: the table and its series.
        requested: the user's schema.
        seq_len, horizon: of the training; None takes them from the frequency.
        evaluation: folds of its backtest.
    """
    panel = reading.panel
    questions = [str(error) for error in reading.questions]
    training, notes = None, reading.notes
    if panel is not None:
        evaluation = evaluation or EvaluationConfig()
        windows, note = _fill_windows(panel, evaluation, seq_len, horizon)
        training, notes = plan_training(panel, windows, evaluation), (*notes, *note)
    return Inspection(
        source=reading.table.source,
        columns=_describe_columns(reading, requested),
        series=None if panel is None else measure_series(panel),
        training=training,
        rows=() if panel is None else _first_rows(panel),
        notes=notes,
        questions=tuple(questions),
    )


def _fill_windows(
    panel: Panel, evaluation: EvaluationConfig, seq_len: int | None, horizon: int | None
) -> tuple[WindowSpec, tuple[str, ...]]:
    """Return the windows of a training, and a note on the lengths that were chosen."""
    requested = {"seq_len": seq_len, "horizon": horizon}
    names = [name for name, length in requested.items() if length is None]
    if seq_len is not None and horizon is not None:
        return WindowSpec(seq_len=seq_len, horizon=horizon), ()
    chosen = choose_windows(
        panel,
        season_length=evaluation.seasons(panel),
        seq_len=seq_len,
        horizon=horizon,
        folds=evaluation.folds,
    )
    windows = WindowSpec(seq_len=chosen.seq_len, horizon=chosen.horizon)
    return windows, (chosen.describe(names),)


def inspect_panel(
    panel: Panel, *, windows: WindowSpec, evaluation: EvaluationConfig, source: str
) -> Inspection:
    """Inspect series that have been read, without their file: the used columns only."""
    schema, reasons = panel.schema, _reasons(panel.notes)
    columns = [
        ColumnFinding(
            name=name,
            role=role,
            kind="",
            example="",
            reason=reasons.get(role, REQUESTED),
        )
        for name, role in _roles(schema).items()
    ]
    return Inspection(
        source=source,
        columns=tuple(columns),
        series=measure_series(panel),
        training=plan_training(panel, windows, evaluation),
        rows=(),
        notes=panel.notes,
        questions=(),
    )


def measure_series(panel: Panel) -> SeriesFinding:
    """Measure the number, lengths, frequency, zone and seasons of series."""
    lengths, calendar = panel.lengths, panel.calendar
    filled = [int(m[1]) for note in panel.notes if (m := FILLED.match(note))]
    return SeriesFinding(
        ids=panel.series_ids[:MAX_SHOWN],
        count=len(panel),
        points=len(panel.values),
        shortest=int(lengths.min()),
        median=int(np.median(lengths)),
        longest=int(lengths.max()),
        first=_format(panel.timestamps[panel.offsets[:-1]].min(), panel),
        last=_format(panel.last_timestamps().max(), panel),
        frequency=calendar.freq,
        zone=calendar.zone,
        filled=sum(filled),
        calendar_season=calendar.season_length,
        seasons=find_seasons(panel),
    )


def plan_training(
    panel: Panel, windows: WindowSpec, evaluation: EvaluationConfig
) -> TrainingFinding:
    """Plan a training by its settings: windows, folds, series that are too short."""
    tested: Sequence[int] = ()
    folds, cutoff, problem = 0, None, None
    try:
        origins = evaluation.origins(
            panel, seq_len=windows.seq_len, horizon=windows.horizon
        )
    except SeriesTooShort as error:
        problem = str(error)
    else:
        folds, tested = len(origins), origins[0].series.tolist()
        last = int(np.argmax(origins[0].ends))
        place = panel.offsets[tested[last]] + origins[0].ends[last] - 1
        cutoff = _format(panel.timestamps[place], panel)
    short = np.setdiff1d(np.arange(len(panel)), tested)
    return TrainingFinding(
        seq_len=windows.seq_len,
        horizon=windows.horizon,
        folds=folds,
        first_cutoff=cutoff,
        left_out=tuple(panel.series_ids[i] for i in short[:MAX_SHOWN]),
        left_out_count=len(short),
        problem=problem,
    )


def _describe_columns(reading: Reading, requested: Schema) -> tuple[ColumnFinding, ...]:
    """Describe the columns of a table in their order."""
    table, panel = reading.table, reading.panel
    roles, named = _roles(reading.schema), _roles(requested)
    reasons = _reasons(reading.notes) | dict.fromkeys(reading.open_roles, OPEN)
    findings = []
    for name in map(str, table.frame.columns):
        role = roles.get(name, "")
        kind = _kind(table, name, role, panel)
        reason = USE_TEXT if kind == "text" else USE_NUMBERS
        if role:
            reason = REQUESTED if name in named else reasons.get(role, OPEN)
        findings.append(
            ColumnFinding(
                name=name,
                role=role,
                kind=kind,
                example=_example(table, name),
                reason=reason,
            )
        )
    return tuple(findings)


def _roles(schema: Schema) -> dict[str, str]:
    """Return the role of each named column."""
    roles: dict[str, str] = dict.fromkeys(schema.time or (), "time")
    roles |= dict.fromkeys(schema.series_id or (), "series id")
    if schema.target is not None:
        roles[schema.target] = "target"
    return roles | {name: str(role) for name, role in schema.roles.items()}


def _reasons(notes: Sequence[str]) -> dict[str, str]:
    """Return the reasons of guesses by role."""
    matches = [match for note in notes if (match := GUESS.fullmatch(note))]
    return {match["role"].replace("_", " "): match["why"] for match in matches}


def _kind(table: Table, name: str, role: str, panel: Panel | None) -> str:
    """Return the kind of values that a column holds."""
    column = table.frame[name]
    if column.isna().all():
        return "empty"
    if role == "series id":
        return "text"
    if panel is not None and name in panel.covariates:
        return "text" if panel.covariates[name].dtype == object else "numbers"
    if panel is not None and role == "time":
        return "dates" if panel.calendar.freq else "numbers"
    if role != "target" and is_date_column(name, column):
        return "dates"
    return "numbers" if is_number_column(column) else "text"


def _example(table: Table, name: str) -> str:
    """Return the first value of a column."""
    present = table.frame[name].dropna()
    return str(present.iloc[0]) if len(present) else ""


def _first_rows(panel: Panel) -> tuple[dict[str, Any], ...]:
    """Return the first observations, a mapping a row."""
    count = min(SHOWN_ROWS, int(panel.lengths[0]))
    columns: Mapping[str, Any] = {"target": panel.values, **panel.covariates}
    return tuple(
        {
            "series_id": panel.series_ids[0],
            "timestamp": _format(panel.timestamps[row], panel),
            panel.target: float(panel.values[row]),
            **{
                name: value if isinstance(value, str) else float(value)
                for name in panel.covariates
                for value in [columns[name][row]]
            },
        }
        for row in range(count)
    )


def _format(moment: Any, panel: Panel) -> str:
    """Format a timestamp, in the zone of the series."""
    zone = panel.calendar.zone
    if zone is None or not isinstance(moment, np.datetime64):
        return format_timestamp(moment)
    return pd.Timestamp(moment).tz_localize("UTC").tz_convert(zone).isoformat()
