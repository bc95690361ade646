"""Columns of text as numbers: signs, groups of thousands, currencies and percent.

Cells are first brought to digits with a dot or a comma; `forecasting.io.marks` decides
for the whole table which of these comes before the decimals.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.schema import Decimal
from forecasting.errors import MAX_SHOWN, InvalidValues
from forecasting.io.csv_format import Table
from forecasting.io.sources.layout import MISSING_MARKERS
from forecasting.types import FloatArray

EXPONENT = r"(?:[eE][-+]?\d+)?"
DECIMAL_POINT = re.compile(  # 1234.5, 1,234.5 and 12,34,567.5
    rf"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+){EXPONENT}"
    r"|(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})(?:\.\d*)?)"
)
DECIMAL_COMMA = re.compile(  # 1234,5 and 1.234,5
    rf"[-+]?(?:(?:\d+(?:,\d*)?|,\d+){EXPONENT}"
    r"|[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?)"
)
PATTERNS: dict[Decimal, "re.Pattern[str]"] = {".": DECIMAL_POINT, ",": DECIMAL_COMMA}
PLAIN = re.compile(rf"[-+]?[\d.,]*\d[\d.,]*{EXPONENT}")
GROUPS = re.compile(
    r"([-+]?[1-9]\d{0,2}(?: \d{3})+|[-+]?[1-9]\d{0,2}(?:'\d{3})+)([.,]\d*)?"
)
CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2012\u2013\u2014\ufe63\uff0d", "-"),
        **dict.fromkeys("\xa0\u2007\u2009\u202f", " "),
        **dict.fromkeys("\u2019\u02bc\u2032\xb4", "'"),
    }
)
CURRENCY = (
    r"(?:US\$|R\$|A\$|C\$|[$\u20ac\xa3\xa5\u20b9\u20a9\u20bd\u20ba\u20aa\u20ab\u20b4]"
    r"|(?:EUR|USD|GBP|CHF|JPY|CNY|INR|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|RUB|TRY|AUD|CAD"
    r"|NZD|ZAR|BRL|MXN|KRW|SGD|HKD|ILS|AED|SAR|THB|IDR|UAH|CLP|COP)"
    r"|Euro|euro|Fr\.|kr\.?|K\u010d|z\u0142|Ft|Rs\.?|\u20bd)"
)
UNIT = (
    r"(?:kg|mg|kWh|MWh|GWh|Wh|kW|MW|GW|km/h|m/s|km|cm|mm|m\xb2|m\xb3|m2|m3|hl"
    r"|\xb0C|\xb0F|\xb0|hPa|bar|ppm|Hz|min|ms|pcs\.?|Stk\.?|St\xfcck|St\.|units?"
    r"|(?<= )[AVWLlghst])"
)
SCALE = (  # of the number itself: it cannot be left out
    r"(?:\u2030|k|K|M|m|G|T|B|bn|mn|mln|mil|Mio\.?|Mrd\.?|Tsd\.?|million|thousand|lakh"
    r"|crore)"
)
BEFORE = re.compile(rf"([-+]?)\s*({CURRENCY})\s*(.*)")
AFTER = re.compile(rf"(.*\d[.,]?-?\)?)\s*(%|{CURRENCY}|{UNIT}|{SCALE})")
LEADING_ZERO = re.compile(r"\s*0\d+\s*")
SAMPLE_VALUES = 1000  # for the test of a column for numbers


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct cells of a column, brought to digits with a dot or a comma.

    Attributes:
        codes: number of the cell of each row, -1 for a missing value, ``(rows,)``.
        raw: the distinct cells, without spaces around.
        text: digits, marks and sign of each; of any form if it is no number.
        units: sign or unit of each, empty without one.
        notes: notes on other ways of writing.
    """

    codes: npt.NDArray[np.int64]
    raw: list[str]
    text: "pd.Series[Any]"
    units: npt.NDArray[Any]
    notes: tuple[str, ...]

    def fits(self, decimal: Decimal) -> npt.NDArray[np.bool_]:
        """Return the mask of the numbers with this mark before the decimals."""
        return self.text.str.fullmatch(PATTERNS[decimal]).to_numpy(dtype=bool)

    @property
    def scales(self) -> list[str]:
        """Units that are part of the numbers, such as ``Mio``."""
        return [unit for unit in set(self.units) if re.fullmatch(SCALE, unit)]


def read_cells(column: "pd.Series[Any]") -> Cells:
    """Read the distinct cells of a column of text; markers are missing values."""
    text = column.astype(object).where(column.notna(), None)
    codes, distinct = pd.factorize(text)
    raw = [str(cell).strip() for cell in distinct]
    is_missing = np.array([cell in MISSING_MARKERS for cell in raw], dtype=bool)
    if is_missing.any():
        number = np.where(is_missing, -1, np.cumsum(~is_missing) - 1)
        codes = np.where(codes >= 0, number[codes], -1)
        raw = [
            cell for cell, missing in zip(raw, is_missing, strict=True) if not missing
        ]
    texts, units = list(raw), np.full(len(raw), "", dtype=object)
    notes: dict[str, None] = {}
    for i, cell in enumerate(raw):
        if not PLAIN.fullmatch(cell):
            texts[i], units[i], note = _normalize(cell)
            if note:
                notes[note] = None
    plain = pd.Series(texts, dtype=object)
    return Cells(codes.astype(np.int64), raw, plain, units, tuple(notes))


def is_number_column(column: "pd.Series[Any]") -> bool:
    """Test if most values of a column are numbers, with one unit at most."""
    if pd.api.types.is_numeric_dtype(column):
        return True
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    cells = read_cells(column.dropna().head(SAMPLE_VALUES))
    present = cells.codes[cells.codes >= 0]
    fits = cells.fits(".") | cells.fits(",")
    units = cells.units != ""
    if len(set(cells.units[units & fits])) > 1:
        fits = fits & ~units
    return bool(len(present) and 2 * fits[present].sum() >= len(present))


def is_text_column(column: "pd.Series[Any]") -> bool:
    """Test if a covariate holds categories: words, or codes with leading zeros."""
    if pd.api.types.is_numeric_dtype(column) or not is_number_column(column):
        return not pd.api.types.is_numeric_dtype(column)
    return any(map(LEADING_ZERO.fullmatch, column.dropna().astype(str).unique()))


def read_numbers(
    table: Table, name: str, *, may_be_text: bool = False
) -> tuple[FloatArray, list[str]]:
    """Parse a column of numbers, with NaN for missing values.

    Args:
        table: the table.
        name: name of the column.
        may_be_text: whether the column may hold categories; then an error says how.

    Returns:
        The numbers, ``(rows,)``, and notes on the decisions.

    Raises:
        InvalidValues: a value is text or infinite, or can be read in two ways.
    """
    if name in table.questions:
        raise table.questions[name]
    column = table.frame[name]
    notes: list[str] = []
    if not pd.api.types.is_numeric_dtype(column):
        column, notes = _read_text(table, name, column, may_be_text)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        where = [table.where(int(i)) for i in infinite[:MAX_SHOWN]]
        problem = f"{len(infinite)} infinite value{'s' * (len(infinite) > 1)}"
        advice = "Write finite numbers only, or leave the field empty."
        raise InvalidValues(name, where, problem, advice)
    return values, notes


def places(table: Table, cells: Cells, which: Sequence[int]) -> list[str]:
    """Return where some distinct cells come first: ``line 7 ('1.000')``."""
    present = np.flatnonzero(cells.codes >= 0)
    numbers, first = np.unique(cells.codes[present], return_index=True)
    rows = dict(zip(numbers.tolist(), present[first].tolist(), strict=True))
    ordered = sorted(which, key=lambda i: rows[i])
    return [f"{table.where(rows[i])} ({cells.raw[i]!r})" for i in ordered[:MAX_SHOWN]]


def _read_text(
    table: Table, name: str, column: "pd.Series[Any]", may_be_text: bool
) -> tuple["pd.Series[Any]", list[str]]:
    cells = read_cells(column)
    decimal = table.marks.get(name) or _likelier(cells, table.delimiter)
    _check_cells(table, name, cells, decimal, may_be_text)
    notes = [f"{name!r}: {note}" for note in cells.notes]
    notes += _unit_notes(table, name, cells)
    text = cells.text
    has_dots, has_commas = (bool(text.str.contains(m, regex=False).any()) for m in ".,")
    if has_commas:
        meaning = "decimal commas" if decimal == "," else "commas between thousands"
        notes.append(f"{name!r}: {meaning}")
    elif has_dots and decimal == ",":
        notes.append(f"{name!r}: dots between thousands")
    if decimal == ",":
        text = text.str.replace(".", "", regex=False)
        text = text.str.replace(",", ".", regex=False)
    numbers = text.str.replace(",", "", regex=False).to_numpy().astype(np.float64)
    values = np.append(numbers, np.nan)[cells.codes]
    return pd.Series(values, index=column.index), notes


def _likelier(cells: Cells, delimiter: str) -> Decimal:
    """Return the mark with which more cells are numbers."""
    order: tuple[Decimal, Decimal] = (
        (".", ",") if delimiter in (",", "") else (",", ".")
    )
    return max(order, key=lambda decimal: int(cells.fits(decimal).sum()))


def _check_cells(
    table: Table, name: str, cells: Cells, decimal: Decimal, may_be_text: bool
) -> None:
    """Check that all cells are numbers with this mark before the decimals.

    Raises:
        InvalidValues: some are not.
    """
    bad = np.flatnonzero(~cells.fits(decimal))
    if not len(bad):
        return
    count = int(np.isin(cells.codes, bad).sum())
    problem = (
        f"{count} values are not a number" if count > 1 else "1 value is not a number"
    )
    advice = "Write numbers such as 1234.5 in every row, or leave the field empty."
    other: Decimal = "." if decimal == "," else ","
    if cells.fits(other)[bad].all():
        mark = {".": "a point", ",": "a comma"}[decimal]
        problem += f" with {mark} before the decimals"
        advice = f"Say --decimal {other} (data.decimal) if it is the other mark."
    elif may_be_text:
        advice = (
            "If these are categories, name the column in data.text; if they are "
            "numbers, correct these cells or leave them empty."
        )
    raise InvalidValues(name, places(table, cells, bad.tolist()), problem, advice)


def _unit_notes(table: Table, name: str, cells: Cells) -> list[str]:
    """Return a note on the unit of the cells.

    Raises:
        InvalidValues: there are several units, or only some cells have one.
    """
    units = sorted(set(cells.units) - {""})
    if not units:
        return []
    is_zero = cells.text.str.fullmatch(r"[-+]?0*[.,]?0*").to_numpy(dtype=bool)
    bare = (cells.units == "") & ~is_zero
    which = [int(np.flatnonzero(cells.units == unit)[0]) for unit in units]
    if cells.scales:
        problem = f"{cells.scales[0]!r} beside the numbers changes their size"
        advice = "Write the numbers in full, or say the unit in the name of the column."
        raise InvalidValues(name, places(table, cells, which), problem, advice)
    if len(units) > 1 or bare.any():
        which += np.flatnonzero(bare)[:1].tolist()
        shown = ", ".join(map(repr, units))
        problem = f"several units beside the numbers, or none ({shown})"
        advice = "Write all numbers in one unit, and leave it out."
        raise InvalidValues(name, places(table, cells, which), problem, advice)
    return [f"{name!r}: {units[0]!r} beside each number left out"]


def _normalize(raw: str) -> tuple[str, str, str]:
    """Return the digits, marks and sign of a cell, its unit, and a note."""
    cell, unit = _split_unit(raw.translate(CHARACTERS).strip())
    bracket = re.fullmatch(r"\((.*)\)", cell)
    if bracket:
        cell, inner_unit = _split_unit(bracket[1].strip())
        unit = unit or inner_unit
    cell, note = _split_minus(cell)
    if bracket:
        cell, note = f"-{cell}", "numbers in parentheses are negative"
    cell = re.sub(r"^([-+]) +", r"\1", cell)
    groups = GROUPS.fullmatch(cell)
    if groups:
        cell = re.sub("[ ']", "", groups[1]) + (groups[2] or "")
    return (cell, unit, note) if PLAIN.fullmatch(cell) else (raw, "", "")


def _split_unit(cell: str) -> tuple[str, str]:
    """Return a cell without the sign or unit before or behind it, and the unit."""
    before = BEFORE.fullmatch(cell)
    if before:
        return before[1] + before[3], before[2]
    after = AFTER.fullmatch(cell)
    return (after[1].rstrip(), after[2]) if after else (cell, "")


def _split_minus(cell: str) -> tuple[str, str]:
    """Return a cell with a minus behind it moved to the front, and a note."""
    whole = re.fullmatch(r"(.*\d)[.,]--?", cell)  # 12.- is a price of 12
    if whole:
        return whole[1], ""
    behind = re.fullmatch(r"([\d.,' ]*\d[.,]?) ?-", cell)
    if behind:
        return f"-{behind[1]}", "a minus behind a number makes it negative"
    return cell, ""
