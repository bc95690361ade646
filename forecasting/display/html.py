"""HTML for notebooks and reports: cards of facts, tables and bars, all escaped.

The templates lie in ``templates``: ``macros.html`` has a macro for each part, and
``style.css`` their style, which takes the colours of the page around it, so that it
suits light and dark notebooks.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from forecasting.display.numbers import readable

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_ROWS = 10  # of a table
MAX_TEXT = 120  # characters of a name or value
Fact = tuple[str, object]


@cache
def environment() -> "Environment":
    """Return the environment of the templates, which escapes every value."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    result = Environment(
        loader=PackageLoader("forecasting.display"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters["cell"] = format_cell
    result.tests["numeric"] = is_numeric
    return result


def render(template: str, **values: object) -> str:
    """Return the text of a template.

    Args:
        template: name of a file in ``templates``.
        values: names in the template.
    """
    return environment().get_template(template).render(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of few rows.

    Attributes:
        columns: headings.
        rows: cells, numbers or text, a row as long as the headings.
        total: number of rows with those that are left out.
        title: heading above the table.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    total: int
    title: str = ""

    @classmethod
    def of(cls, frame: pd.DataFrame, title: str = "", limit: int = MAX_ROWS) -> Self:
        """Return the table of a frame's first rows.

        Args:
            frame: rows, without the index.
            title: heading.
            limit: number of rows that are shown.
        """
        rows = [list(row) for row in frame.head(limit).itertuples(index=False)]
        return cls(
            columns=[str(name) for name in frame.columns],
            rows=rows,
            total=len(frame),
            title=title,
        )

    @property
    def left_out(self) -> int:
        """Number of rows that are not shown."""
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A value beside others, drawn as a bar.

    Attributes:
        label: its name.
        value: not negative; NaN where unknown, which has no bar.
        is_main: whether it is the one that the others are compared with.
        cells: further columns after the bar.
    """

    label: str
    value: float
    is_main: bool = False
    cells: Sequence[object] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BarTable:
    """Values as bars of one scale.

    Attributes:
        columns: headings of label and value, then of the further cells.
        bars: the rows.
        title: heading above the table.
    """

    columns: Sequence[str]
    bars: Sequence[Bar]
    title: str = ""

    def width(self, bar: Bar) -> float:
        """Return the length of a bar in percent of the longest."""
        values = [b.value for b in self.bars if math.isfinite(b.value)]
        longest = max(values, default=0.0)
        if not longest > 0 or not math.isfinite(bar.value):
            return 0.0
        return round(100 * max(bar.value, 0.0) / longest, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An object in brief: title, sentence, facts, tables and notes.

    Attributes:
        title: kind and name of the object.
        sentence: the main thing about it.
        facts: pairs of a name and a value, a line each.
        bars: values as bars.
        tables: tables below them.
        notes: sentences at the end.
    """

    title: str
    sentence: str = ""
    facts: Sequence[Fact] = ()
    bars: Sequence[BarTable] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()

    def to_html(self) -> str:
        """Return the card as HTML with its style, for ``_repr_html_``."""
        return render("card.html", card=self)


def is_numeric(value: object) -> bool:
    """Test if a cell is a number, which is aligned at the right."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def format_cell(value: object) -> str:
    """Format a cell: numbers readable, a midnight as its date, long text cut.

    >>> format_cell(1234.567), format_cell(1234), format_cell(None)
    ('1,235', '1,234', '-')
    """
    if value is None or value is pd.NaT:
        return "-"
    if isinstance(value, Integral) and not isinstance(value, bool | np.bool_):
        return f"{int(value):,}"
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        return readable(float(value))
    if isinstance(value, np.datetime64 | pd.Timestamp):
        stamp: Any = pd.Timestamp(value)
        return str(stamp).removesuffix(" 00:00:00")
    return shorten(str(value))


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Cut text to a number of characters, the last one then an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shorten_list(names: Iterable[str], limit: int = 5) -> str:
    """List the first names and count the others: ``a, b, ... (12 in all)``."""
    shown = [shorten(name, 40) for name in names]
    text = ", ".join(shown[:limit])
    return text if len(shown) <= limit else f"{text}, ... ({len(shown):,} in all)"
