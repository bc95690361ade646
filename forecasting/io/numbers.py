"""Text to numbers: decimal commas and points, thousands separators, exponents."""

import re
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import MAX_SHOWN, InvalidValues
from forecasting.io.csv_format import Table
from forecasting.types import FloatArray

EXPONENT = r"(?:[eE][-+]?\d+)?"
DECIMAL_POINT = re.compile(  # 1234.5 and 1,234.5
    rf"[-+]?(?:(?:\d+|\d{{1,3}}(?:,\d{{3}})+)(?:\.\d*)?|\.\d+){EXPONENT}"
)
DECIMAL_COMMA = re.compile(  # 1234,5 and 1.234,5
    rf"[-+]?(?:(?:\d+|\d{{1,3}}(?:\.\d{{3}})+)(?:,\d*)?|,\d+){EXPONENT}"
)
SAMPLE_VALUES = 1000  # for the test of a column for numbers


def is_number_column(column: "pd.Series[Any]") -> bool:
    """Test if most values of a column are numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return True
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    text = column.dropna().head(SAMPLE_VALUES).astype(str).str.strip()
    fits = max(
        text.str.fullmatch(pattern).sum() for pattern in (DECIMAL_POINT, DECIMAL_COMMA)
    )
    return bool(len(text) and 2 * fits >= len(text))


def read_numbers(table: Table, name: str) -> tuple[FloatArray, list[str]]:
    """Parse a column of numbers, with NaN for missing values.

    A comma is a decimal comma where that is the only reading, and in files with
    another delimiter; elsewhere it separates thousands.

    Returns:
        The numbers, ``(rows,)``, and notes on the decisions.

    Raises:
        InvalidValues: a value is text or infinite.
    """
    column = table.frame[name]
    notes: list[str] = []
    if not pd.api.types.is_numeric_dtype(column):
        column, notes = _read_text(table, name, column.astype(object))
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        where = [table.where(int(i)) for i in infinite[:MAX_SHOWN]]
        problem = f"{len(infinite)} infinite value{'s' * (len(infinite) > 1)}"
        advice = "Write finite numbers only, or leave the field empty."
        raise InvalidValues(name, where, problem, advice)
    return values, notes


def _read_text(
    table: Table, name: str, column: "pd.Series[Any]"
) -> tuple["pd.Series[Any]", list[str]]:
    present = column.dropna()
    text = present.astype(str).str.strip()
    patterns = (
        (DECIMAL_POINT, DECIMAL_COMMA)
        if table.delimiter in (",", "")
        else (DECIMAL_COMMA, DECIMAL_POINT)
    )
    fits = {
        pattern: text.str.fullmatch(pattern).to_numpy(dtype=bool)
        for pattern in patterns
    }
    pattern = max(patterns, key=lambda pattern: int(fits[pattern].sum()))
    bad = present.index[~fits[pattern]]
    if len(bad):
        where = [f"{table.where(i)} ({column[i]!r})" for i in bad[:MAX_SHOWN]]
        problem = f"{len(bad)} values are" if len(bad) > 1 else "1 value is"
        advice = "Write numbers such as 1234.5 in every row, or leave the field empty."
        raise InvalidValues(name, where, f"{problem} not a number", advice)
    notes = []
    if text.str.contains(",").any():
        meaning = (
            "decimal commas" if pattern is DECIMAL_COMMA else "commas between thousands"
        )
        notes.append(f"{name!r}: {meaning}")
    if pattern is DECIMAL_COMMA and notes:
        text = text.str.replace(".", "").str.replace(",", ".")
    numbers = text.str.replace(",", "").astype(np.float64)
    return numbers.reindex(column.index), notes
