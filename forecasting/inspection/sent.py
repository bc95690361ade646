"""Inspection of the bytes of a file that was sent, within limits; writes nothing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.schema import Schema
from forecasting.errors import DataError
from forecasting.evaluation.backtest import EvaluationConfig
from forecasting.inspection.findings import Inspection
from forecasting.inspection.inspect import inspect_reading
from forecasting.inspection.questions import Reading, read_on
from forecasting.io.csv_format import Table, TableLimits, parse_table
from forecasting.io.sources.files import unpack_text
from forecasting.io.sources.plain_numbers import PlainNumbers, find_plain_numbers

VALUE = "value"  # name of the column of plain numbers
OPEN_DELIMITER = "\t"  # by which no mark of decimals is likelier


def read_sent(
    source: str,
    data: bytes,
    requested: Schema,
    *,
    limits: TableLimits,
    max_bytes: int,
) -> Reading:
    """Read a file as far as it can be, or plain numbers as one series.

    Args:
        source: name of the file, for messages.
        data: its content: a CSV, plain or gzipped; or nothing but numbers.
        requested: the user's schema.
        limits: of the table.
        max_bytes: of the unpacked file.

    Raises:
        DataError: the table itself cannot be read.
        SettingError: there is no such encoding.
    """
    text = unpack_text(source, data, max_bytes)
    numbers = None if requested.named else find_plain_numbers(text)
    if numbers is not None:
        limits.check_rows(source, len(numbers.cells))
        table, schema = _to_table(source, numbers), _one_series(requested)
        return read_on(lambda _: table, schema)
    return read_on(lambda schema: parse_table(source, text, schema, limits), requested)


def inspect_sent(
    reading: Reading, requested: Schema, windows: Mapping[str, Any]
) -> Inspection:
    """Inspect a table that was sent, as `inspect_csv` a file.

    Args:
        reading: the table and its series.
        requested: the user's schema.
        windows: ``seq_len``, ``horizon`` and ``folds`` of a training, as far as they
            are set.

    Raises:
        SettingError: one is no positive number.
    """
    folds = windows.get("folds")
    evaluation = EvaluationConfig() if folds is None else EvaluationConfig(folds=folds)
    return inspect_reading(
        reading,
        requested,
        seq_len=windows.get("seq_len"),
        horizon=windows.get("horizon"),
        evaluation=evaluation,
    )


def find_option(question: DataError) -> str | None:
    """Return the name of the option that answers a question; None for several."""
    role = getattr(question, "role", None)
    if role is not None:
        return str(role).replace(" ", "_")
    options = ("decimal", "time_format", "time", "target", "series_id", "missing")
    text = str(question)
    present = [name for name in options if f"--{name.replace('_', '-')} " in f"{text} "]
    return next(iter(present), None)


def _to_table(source: str, numbers: PlainNumbers) -> Table:
    """Return plain numbers as a table of one column."""
    count = len(numbers.cells)
    note = f"{count} numbers, parted by {numbers.separator}"
    if count == 1:
        note = "one number"
    return Table(
        frame=pd.DataFrame({VALUE: pd.Series(numbers.cells, dtype=object)}),
        rows=np.arange(1, count + 1),
        row_unit="number",
        delimiter=OPEN_DELIMITER,
        source=source,
        notes=(note,),
    )


def _one_series(requested: Schema) -> Schema:
    return requested.override({"time": (), "target": VALUE, "series_id": ()})
