"""Numbers as people write them: decimal commas, thousands separators."""

import re
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import SHOWN, InvalidValues
from forecasting.io.csv_format import Table
from forecasting.types import FloatArray

EXPONENT = r"(?:[eE][-+]?\d+)?"


POINT = re.compile(  # 1234.5 and 1,234.5
    rf"[-+]?(?:(?:\d+|\d{{1,3}}(?:,\d{{3}})+)(?:\.\d*)?|\.\d+){EXPONENT}"
)


COMMA = re.compile(  # 1234,5 and 1.234,5
    rf"[-+]?(?:(?:\d+|\d{{1,3}}(?:\.\d{{3}})+)(?:,\d*)?|,\d+){EXPONENT}"
)


PROBE = 1000  # values that a column of numbers is told by


def is_number_column(column: "pd.Series[Any]") -> bool:
    """Say whether most values of a column are numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return True
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    text = column.dropna().head(PROBE).astype(str).str.strip()
    fits = max(text.str.fullmatch(form).sum() for form in (POINT, COMMA))
    return bool(len(text) and 2 * fits >= len(text))


def read_numbers(table: Table, name: str) -> tuple[FloatArray, list[str]]:
    """Read a column of numbers; what is missing is NaN.

    A comma is a decimal comma where that is the only reading, and in files whose
    columns are not parted by commas; elsewhere it parts thousands.

    Returns:
        The numbers, ``(rows,)``, and notes of what was decided.

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
        where = [table.where(int(i)) for i in infinite[:SHOWN]]
        found = f"{len(infinite)} infinite value{'s' * (len(infinite) > 1)}"
        advice = "Write finite numbers only, or leave the field empty."
        raise InvalidValues(name, where, found, advice)
    return values, notes


def _read_text(
    table: Table, name: str, column: "pd.Series[Any]"
) -> tuple["pd.Series[Any]", list[str]]:
    present = column.dropna()
    text = present.astype(str).str.strip()
    forms = (POINT, COMMA) if table.delimiter in (",", "") else (COMMA, POINT)
    fits = {form: text.str.fullmatch(form).to_numpy(dtype=bool) for form in forms}
    form = max(forms, key=lambda form: int(fits[form].sum()))
    bad = present.index[~fits[form]]
    if len(bad):
        where = [f"{table.where(i)} ({column[i]!r})" for i in bad[:SHOWN]]
        found = f"{len(bad)} values are" if len(bad) > 1 else "1 value is"
        advice = "Write numbers such as 1234.5 in every row, or leave the field empty."
        raise InvalidValues(name, where, f"{found} not a number", advice)
    notes = []
    if text.str.contains(",").any():
        meaning = "decimal commas" if form is COMMA else "commas between thousands"
        notes.append(f"{name!r}: {meaning}")
    if form is COMMA and notes:
        text = text.str.replace(".", "").str.replace(",", ".")
    numbers = text.str.replace(",", "").astype(np.float64)
    return numbers.reindex(column.index), notes
