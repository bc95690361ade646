"""A table's columns, spread over the moments of its series.

Rows without a target at the end of a series are of the future: what they hold of the
known covariates is kept apart from the observations.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.covariates import FutureValues
from forecasting.errors import SHOWN, MissingValues
from forecasting.io.csv_format import Table
from forecasting.io.missing import Missing, fill_text, fill_values
from forecasting.io.numbers import is_number_column, read_numbers
from forecasting.io.sorting import Flags, OrderedRows
from forecasting.types import IntArray


class Spread:
    """Where the rows of a table lie among the moments of its series.

    Attributes:
        kept: moments that are not of the future, ``(moments,)``.
        borders: of the series among these, ``(series + 1,)``.
    """

    def __init__(
        self, axis: OrderedRows, places: IntArray, offsets: IntArray, observed: Flags
    ) -> None:
        self._axis, self._places, self._offsets = axis, places, offsets
        self._observed = observed
        last = np.maximum.reduceat(np.where(observed, places, -1), axis.offsets[:-1])
        counts = last + 1 - offsets[:-1]
        self.borders = np.concatenate([[0], np.cumsum(counts)])
        place = np.arange(offsets[-1])
        self.kept = place <= np.repeat(last, np.diff(offsets))

    def needed(self, known: bool) -> IntArray:
        """Return the rows of the table that must have a value."""
        return self._axis.order if known else self._axis.order[self._observed]

    def fill(
        self, name: str, column: npt.NDArray[Any], missing: Missing, *, known: bool
    ) -> npt.NDArray[Any]:
        """Put a column's values at their moments, and fill those that are missing."""
        text, ids = column.dtype == object, self._axis.series_ids
        spread = np.full(self._offsets[-1], None if text else np.nan)
        spread[self._places] = column[self._axis.order]
        offsets = self._offsets
        if not known:
            spread, offsets = spread[self.kept], self.borders
        if text:
            return fill_text(name, spread, offsets, ids)
        return fill_values(name, spread, offsets, ids, missing)

    def split(self, values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], FutureValues]:
        """Return what lies beside the observations, and what lies behind them."""
        behind = self._offsets - self.borders
        return values[self.kept], FutureValues(values[~self.kept], behind)


def read_column(
    table: Table,
    name: str,
    missing: Missing = "error",
    *,
    number: bool = False,
    rows: IntArray | None = None,
) -> tuple[npt.NDArray[Any], list[str]]:
    """Read a column of numbers or, for a covariate, of text, in the table's order.

    Args:
        table: as it was read.
        name: of the column.
        missing: what is done about missing values.
        number: whether text is refused.
        rows: those that must have a value; default all.

    Raises:
        MissingValues: one of them has none, and the policy is ``error``.
        InvalidValues: a value is text or infinite.
    """
    values: npt.NDArray[Any]
    if number or is_number_column(table.frame[name]):
        values, notes = read_numbers(table, name)
    else:
        text = table.frame[name].astype(object)
        values, notes = text.where(text.notna(), None).to_numpy(dtype=object), []
    lacking = np.flatnonzero(pd.isna(values))
    if rows is not None:
        lacking = np.intersect1d(lacking, rows)
    if len(lacking) and missing == "error":
        where = [table.where(i) for i in lacking[:SHOWN]]
        raise MissingValues(name, where, len(lacking))
    if len(lacking):
        policy = missing if values.dtype != object else "forward"
        plural = "s" * (len(lacking) > 1)
        notes.append(
            f"{name!r}: {len(lacking)} missing value{plural} filled ({policy})"
        )
    return values, notes
