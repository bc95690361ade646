"""Alignment of a table's columns with the complete timestamps of its series.

Rows without a target at the end of a series belong to the future: their known
covariates are stored apart from the observations.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.covariates import FutureValues, Role, as_text
from forecasting.data.schema import Missing
from forecasting.errors import MAX_SHOWN, MissingValues
from forecasting.io.csv_format import Table
from forecasting.io.missing import fill_constant, fill_text, fill_values
from forecasting.io.numbers import is_text_column, read_numbers
from forecasting.io.sorting import OrderedRows
from forecasting.io.sources.layout import MISSING_MARKERS
from forecasting.types import BoolArray, IntArray


class RowAlignment:
    """Positions of a table's rows among the moments of its series.

    Attributes:
        is_past: mask of the moments up to each series' last observation,
            ``(moments,)``.
        past_offsets: borders of the series among these, ``(series + 1,)``.

    Args:
        axis: the rows, sorted by series and time.
        places: position of each row among all moments, ``(rows,)``.
        offsets: borders of the series among all moments, ``(series + 1,)``.
        observed: mask of the rows that are observations, ``(rows,)``.
    """

    def __init__(
        self,
        axis: OrderedRows,
        places: IntArray,
        offsets: IntArray,
        observed: BoolArray,
    ) -> None:
        self._axis, self._places, self._offsets = axis, places, offsets
        self._observed = observed
        last = np.maximum.reduceat(np.where(observed, places, -1), axis.offsets[:-1])
        counts = last + 1 - offsets[:-1]
        self.past_offsets = np.concatenate([[0], np.cumsum(counts)])
        place = np.arange(offsets[-1])
        self.is_past = place <= np.repeat(last, np.diff(offsets))

    def required_rows(self, role: Role | None = None) -> IntArray:
        """Return the rows of the table that must have a value of a column."""
        is_known = role == "known"
        return self._axis.order if is_known else self._axis.order[self._observed]

    def fill(
        self,
        name: str,
        column: npt.NDArray[Any],
        missing: Missing,
        *,
        role: Role | None = None,
    ) -> npt.NDArray[Any]:
        """Align a column with the moments of the series and fill missing values.

        A known covariate has values for the moments of the future too.
        """
        text, ids = column.dtype == object, self._axis.series_ids
        aligned = np.full(self._offsets[-1], None if text else np.nan)
        aligned[self._places] = column[self._axis.order]
        offsets = self._offsets
        if role != "known":
            aligned, offsets = aligned[self.is_past], self.past_offsets
        if role == "static":
            aligned = fill_constant(aligned, offsets)
        if text:
            return fill_text(name, aligned, offsets, ids)
        return fill_values(name, aligned, offsets, ids, missing)

    def split(self, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], FutureValues]:
        """Split values into those of the observations and those of the future."""
        future_offsets = self._offsets - self.past_offsets
        return values[self.is_past], FutureValues(values[~self.is_past], future_offsets)


def read_column(
    table: Table,
    name: str,
    missing: Missing = "error",
    *,
    number: bool = False,
    text: bool = False,
    rows: IntArray | None = None,
) -> tuple[npt.NDArray[Any], list[str]]:
    """Read a column of numbers or, for a covariate, of text, in the table's order.

    Args:
        table: the table.
        name: name of the column.
        missing: policy for missing values.
        number: whether text is refused.
        text: whether the values are categories, even if they look like numbers.
        rows: those that must have a value; default all.

    Raises:
        MissingValues: one of these rows has no value, and the policy is ``error``.
        InvalidValues: a value is text or infinite.
    """
    values, notes = read_values(table, name, number=number, text=text)
    return values, [*notes, *check_missing(table, name, values, missing, rows)]


def read_values(
    table: Table, name: str, *, number: bool = False, text: bool = False
) -> tuple[npt.NDArray[Any], list[str]]:
    """Read a column as `read_column` does, with NaN or None for missing values.

    Raises:
        InvalidValues: a value is text or infinite.
    """
    column = table.frame[name]
    if number or not (text or is_text_column(column)):
        return read_numbers(table, name, may_be_text=not number)
    return _read_categories(name, column)


def check_missing(
    table: Table,
    name: str,
    values: npt.NDArray[Any],
    missing: Missing,
    rows: IntArray | None = None,
) -> list[str]:
    """Check that values are there, or are to be filled; return a note on these.

    Raises:
        MissingValues: one of the rows has no value, and the policy is ``error``.
    """
    missing_rows = np.flatnonzero(pd.isna(values))
    if rows is not None and len(missing_rows):
        missing_rows = np.intersect1d(missing_rows, rows)
    if not len(missing_rows):
        return []
    if missing == "error":
        where = [table.where(i) for i in missing_rows[:MAX_SHOWN]]
        advice = MissingValues.ADVICE
        if values.dtype == object:
            advice = (
                "Name the category in every row, also where there is none (such as "
                "'none'), or choose missing: forward."
            )
        raise MissingValues(name, where, len(missing_rows), advice)
    policy = missing if values.dtype != object else "forward"
    plural = "s" * (len(missing_rows) > 1)
    return [f"{name!r}: {len(missing_rows)} missing value{plural} filled ({policy})"]


def _read_categories(
    name: str, column: "pd.Series[Any]"
) -> tuple[npt.NDArray[Any], list[str]]:
    """Return the categories of a column as text, and a note on ``NA`` and the like."""
    codes, distinct = pd.factorize(column.astype(object).where(column.notna(), None))
    names = as_text(np.asarray(distinct, dtype=object))
    names = np.array([text.strip() for text in names] + [None], dtype=object)
    words = sorted({text for text in names[:-1] if text in MISSING_MARKERS})
    notes = []
    if words:
        shown = ", ".join(map(repr, words))
        plural = "are categories" if len(words) > 1 else "is a category"
        notes.append(f"{name!r}: {shown} {plural}; an empty field is a missing value")
    return names[codes], notes
