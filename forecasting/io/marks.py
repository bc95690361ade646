"""Marks of decimals and thousands, decided for a whole table.

``1.000`` is 1 or 1000. A cell such as ``1.50`` or ``1.234,5`` settles it for its
column, and for the others of the table; then the marks of a model's data, and whole
numbers such as ``990`` beside ``1.000``. Programs write numbers with a point into files
parted by commas, and with a comma into those parted by semicolons. What is left is a
question.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.schema import Decimal, Schema
from forecasting.errors import InvalidValues
from forecasting.io.csv_format import Table
from forecasting.io.numbers import Cells, is_number_column, places, read_cells
from forecasting.timestamps.parsing import is_date_column

NATIVE: Mapping[str, Decimal] = {",": ".", "": ".", ";": ","}  # by the delimiter
PROGRAMS = (",", "")  # delimiters of files that programs write, all decimals alike
SAMPLE_CELLS = 2000  # of a column, in which its mark shows as a rule
NAMES = {".": "point", ",": "comma"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Marks in the cells of one column.

    Attributes:
        cells: distinct cells; of a long column with a certain mark, a sample.
        point, comma: numbers of the cells that have this mark before the decimals.
        open_point, open_comma: numbers of the cells with this mark that can be read in
            two ways.
        grouped: whether whole numbers beside make thousands of the open cells.
        whole: whether there are whole numbers other than 0.
    """

    cells: Cells
    point: list[int]
    comma: list[int]
    open_point: list[int]
    open_comma: list[int]
    grouped: bool = False
    whole: bool = False

    @property
    def certain(self) -> Decimal | None:
        """Mark before the decimals, where one cell settles it."""
        if bool(self.point) == bool(self.comma):
            return None
        return "." if self.point else ","

    @property
    def open_mark(self) -> Decimal | None:
        """Mark of the cells that can be read in two ways; None without, or of both."""
        if bool(self.open_point) == bool(self.open_comma):
            return None
        return "." if self.open_point else ","

    @property
    def shown(self) -> list[int]:
        """Numbers of the cells that show the question."""
        if self.point and self.comma:
            return [self.point[0], self.comma[0]]
        return [*self.open_point, *self.open_comma]


def settle_marks(table: Table, schema: Schema, *, is_remembered: bool = False) -> Table:
    """Decide on the marks of a table's numbers.

    Args:
        table: the table.
        schema: its decimal mark, and the columns that hold no numbers.
        is_remembered: whether this mark is that of a model's data: it then settles
            open questions only, and the cells may show another one.

    Returns:
        The table with marks, and with a question for each column that stays open.
    """
    no_numbers = {*(schema.time or ()), *(schema.series_id or ()), *schema.text}
    evidence = {
        name: weigh(read_cells(table.frame[name]))
        if len(table.frame) <= SAMPLE_CELLS
        else _weigh_long(table.frame[name])
        for name in _text_of_numbers(table, no_numbers)
    }
    fractions = _fractions(table, no_numbers) if table.delimiter else {}
    forced = None if is_remembered else schema.decimal
    remembered = schema.decimal if is_remembered else None
    is_whole = is_remembered and remembered is None and schema.is_complete
    if forced is not None:
        marks = dict.fromkeys(evidence, forced)
        wrong = fractions if forced == "," else {}
        questions = {name: _contradiction(table, name, wrong[name]) for name in wrong}
        return replace(table, decimal=forced, marks=marks, questions=questions)
    voting = {
        name: column
        for name, column in evidence.items()
        if not is_date_column(name, table.frame[name])
    }
    certain = {column.certain for column in voting.values()} - {None}
    if fractions:
        certain.add(".")
    votes = _Votes(
        table.delimiter,
        certain=_one_of(certain),
        remembered=remembered,
        is_whole=is_whole,
        grouped=_one_of(
            {
                _other(column.open_mark)
                for column in voting.values()
                if column.grouped and column.open_mark
            }
        ),
    )
    marks, questions = {}, {}
    for name, column in evidence.items():
        decimal = _decide(column, votes)
        if decimal is not None:
            marks[name] = decimal
        elif column.shown:
            questions[name] = _question(table, name, column)
    used = {m for n, m in marks.items() if evidence[n].shown or evidence[n].certain}
    found_mark = votes.certain or (None if certain else _one_of({*used}) or remembered)
    notes = table.notes
    if remembered and votes.certain and remembered != votes.certain:
        notes += (f"decimals after a {NAMES[votes.certain]}, unlike in the training",)
    return replace(
        table, decimal=found_mark, marks=marks, questions=questions, notes=notes
    )


def weigh(cells: Cells) -> Evidence:
    """Sort the cells of a column by the marks they show."""
    point, comma = cells.fits("."), cells.fits(",")
    has_dot = cells.text.str.contains(".", regex=False).to_numpy(dtype=bool)
    has_comma = cells.text.str.contains(",", regex=False).to_numpy(dtype=bool)
    has_mark = has_dot | has_comma
    both = point & comma & has_mark
    whole_text = cells.text[(point & ~has_mark).tolist()]
    whole = np.abs(whole_text.astype(np.float64).to_numpy())
    ends_in_zero = bool(cells.text[both.tolist()].str.endswith("0").any())
    return Evidence(
        cells,
        point=np.flatnonzero(point & ~comma).tolist(),
        comma=np.flatnonzero(comma & ~point).tolist(),
        open_point=np.flatnonzero(both & has_dot).tolist(),
        open_comma=np.flatnonzero(both & has_comma).tolist(),
        grouped=bool(
            both.any()
            and (whole > 0).any()
            and (whole < 1000).all()
            and ((whole >= 100).any() or ends_in_zero)
        ),
        whole=bool((whole > 0).any() or (len(whole) and ends_in_zero)),
    )


@dataclass(frozen=True, slots=True)
class _Votes:
    """Marks that other columns, a model's data and the delimiter speak for."""

    delimiter: str
    certain: Decimal | None
    remembered: Decimal | None
    is_whole: bool  # of a model's data, which had no decimals
    grouped: Decimal | None


def _decide(column: Evidence, votes: _Votes) -> Decimal | None:
    """Return the mark before the decimals of a column, None if it is open."""
    if column.certain:
        return column.certain
    if column.point or not column.shown:  # both marks, or none
        return None
    mark = column.open_mark
    if mark is None:
        return votes.certain or votes.remembered
    native = NATIVE.get(votes.delimiter)
    if votes.certain:
        is_odd = votes.certain == mark and column.grouped
        return None if is_odd else votes.certain
    if votes.remembered:
        is_odd = column.grouped if votes.remembered == mark else native == mark
        return None if is_odd and not _agrees(column, votes) else votes.remembered
    if column.grouped:
        return None if native == mark else _other(mark)
    if votes.grouped and native != mark:
        return votes.grouped
    is_plain = native == mark and votes.delimiter in PROGRAMS
    return mark if is_plain and not column.whole and not votes.is_whole else None


def _agrees(column: Evidence, votes: _Votes) -> bool:
    """Test if a model's mark and whole numbers beside both speak for thousands."""
    return column.grouped and votes.remembered != column.open_mark


def _weigh_long(column: "pd.Series[Any]") -> Evidence:
    """Weigh a sample, and all cells only if it leaves the mark open."""
    step = max(len(column) // SAMPLE_CELLS, 1)
    evidence = weigh(read_cells(column.iloc[::step]))
    return evidence if evidence.certain else weigh(read_cells(column))


def _text_of_numbers(table: Table, excluded: Collection[str]) -> list[str]:
    frame = table.frame
    return [
        name
        for name in frame.columns
        if name not in excluded
        and not pd.api.types.is_numeric_dtype(frame[name])
        and is_number_column(frame[name])
    ]


def _fractions(table: Table, excluded: Collection[str]) -> dict[str, int]:
    """Return the first row with decimals of each column that pandas read as numbers."""
    rows = {}
    for name, column in table.frame.items():
        if name not in excluded and column.dtype.kind == "f":
            values = column.to_numpy()
            fraction = np.flatnonzero((values != np.floor(values)) & ~np.isnan(values))
            if len(fraction):
                rows[str(name)] = int(fraction[0])
    return rows


def _contradiction(table: Table, name: str, row: int) -> InvalidValues:
    """Return the error for decimals after a point, where a comma is requested."""
    where = [f"{table.where(row)} ({table.frame[name].iloc[row]})"]
    advice = "Leave out --decimal , (data.decimal), or write all numbers alike."
    return InvalidValues(name, where, "decimals after a point, not a comma", advice)


def _one_of(marks: Collection[Decimal | None]) -> Decimal | None:
    return next(iter(marks)) if len(marks) == 1 else None


def _other(mark: Decimal | None) -> Decimal:
    return "," if mark == "." else "."


def _question(table: Table, name: str, column: Evidence) -> InvalidValues:
    """Return the error that asks for the mark before the decimals of a column."""
    cells, shown = column.cells, column.shown
    where = places(table, cells, shown)
    if column.point and column.comma:
        problem = "decimals after a point and after a comma"
        return InvalidValues(name, where, problem, "Write all numbers alike.")
    raw = cells.raw[shown[0]]
    text = cells.text.iloc[shown[0]]
    mark = "." if "." in text else ","
    decimals, thousands = text.replace(",", "."), text.replace(mark, "")
    problem = f"{raw!r} can be {float(decimals):g} or, with thousands, {thousands}"
    advice = (
        f"Say --decimal {mark} if decimals follow the {NAMES[mark]}, --decimal "
        f"{_other(mark)} if it parts thousands (data.decimal)."  # type: ignore[arg-type]
    )
    return InvalidValues(name, where, problem, advice)
