"""Series with labels from the text forms of the UCR and UEA archives, and from frames.

.tsv    a series a line: the label, then the values, with tabs or commas between
.ts     header lines with @, then a series a line: channels with a colon between,
        values with commas, the label last
frame   long form: a row for each step, with columns for series, label, channels
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.errors import (
    InvalidLabels,
    InvalidSeries,
    MissingColumns,
    UnreadableData,
)
from forecasting.types import FloatArray

Labelled = tuple[list[FloatArray], list[str]]  # series (steps, channels), labels
ADVICE = "Give a file of the UCR or UEA archive: .tsv, .txt or .ts."


def read_archive(path: Path | str) -> Labelled:
    """Read a file of the UCR or UEA archive.

    Args:
        path: ends in ``.ts``, ``.tsv`` or ``.txt``.

    Returns:
        Series ``(steps, channels)``, and their labels.

    Raises:
        UnreadableData: no file, no series, or a line that cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableData(path, "it cannot be read as text", ADVICE) from error
    is_ts = path.suffix == ".ts"
    parse = _parse_ts if is_ts else _parse_tsv
    series, labels = list[FloatArray](), list[str]()
    for number, line in _data_lines(text, is_ts):
        try:
            one, label = parse(line)
        except ValueError as error:
            problem = f"line {number} cannot be read ({error})"
            raise UnreadableData(path, problem, ADVICE) from error
        series.append(one)
        labels.append(label)
    if not series:
        raise UnreadableData(path, "there is no series in it", ADVICE)
    return series, labels


def _data_lines(text: str, is_ts: bool) -> Iterator[tuple[int, str]]:
    """Yield the lines of data with their numbers; of a .ts, those after ``@data``."""
    in_data = not is_ts
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if in_data and line and not line.startswith("#"):
            yield number, line
        in_data = in_data or line.lower() == "@data"


def _parse_ts(line: str) -> tuple[FloatArray, str]:
    *channels, label = line.split(":")
    if not channels:
        raise ValueError("there is no label after a colon")
    columns = [_numbers(channel.split(",")) for channel in channels]
    if len({len(column) for column in columns}) > 1:
        raise ValueError("its channels differ in length")
    return np.stack(columns, 1), label.strip()


def _parse_tsv(line: str) -> tuple[FloatArray, str]:
    label, *values = line.replace(",", " ").split()
    numbers = _numbers(values)
    valid = np.flatnonzero(~np.isnan(numbers))
    if not len(valid):
        raise ValueError("there is no value after the label")
    return numbers[: valid[-1] + 1, None], label.strip()  # NaN pads unequal series


def _numbers(values: Sequence[str]) -> FloatArray:
    return np.array([np.nan if v.strip() == "?" else float(v) for v in values])


def read_labelled_frame(
    frame: pd.DataFrame, *, series_id: str, label: str, channels: Sequence[str] = ()
) -> tuple[list[str], list[FloatArray], list[str]]:
    """Read series with one label each from a long form, steps in the order of rows.

    Args:
        frame: a row for each step.
        series_id, label: columns of the series and of its label.
        channels: columns of the values; default all others.

    Returns:
        Ids, series ``(steps, channels)`` and labels.

    Raises:
        MissingColumns: a column is not in the frame.
        InvalidSeries: a value is no number.
        InvalidLabels: a label is missing, or changes within a series.
    """
    chosen = list(channels) or [c for c in frame.columns if c not in (series_id, label)]
    columns = [series_id, label, *chosen]
    if missing := [name for name in columns if name not in frame.columns]:
        raise MissingColumns(missing, map(str, frame.columns))
    ids, series, labels = list[str](), list[FloatArray](), list[str]()
    for name, rows in frame.groupby(series_id, sort=False):
        distinct = rows[label].unique()
        if len(distinct) > 1 or pd.isna(distinct[0]):
            found = ", ".join(map(repr, map(str, distinct[:3])))
            raise InvalidLabels(
                f"series {name!r}: expected one label in column {label!r}; "
                f"found {found}",
                "Give each series one label, or label steps (--task label).",
            )
        try:
            values = rows[chosen].to_numpy(np.float64)
        except (TypeError, ValueError) as error:
            advice = "Name the columns of numbers with --channels."
            problem = f"a value of {', '.join(chosen)} is no number"
            raise InvalidSeries(f"series {name!r}", problem, advice) from error
        ids.append(str(name))
        series.append(values)
        labels.append(str(distinct[0]))
    return ids, series, labels
