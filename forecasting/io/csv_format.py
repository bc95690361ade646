"""CSV files, workbooks and Parquet files as tables of text and numbers."""

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.schema import Decimal, Schema, split_list
from forecasting.errors import DataError, UnreadableData
from forecasting.io.sources.files import (
    PARQUET_MAGIC,
    decode,
    is_workbook,
    read_bytes,
    read_parquet,
    read_workbook,
)
from forecasting.io.sources.layout import (
    DELIMITERS,
    MISSING_MARKERS,
    SAMPLE_CHARACTERS,
    SAMPLE_LINES,
    Layout,
    find_header,
    find_layout,
    note_title,
)

SERIES_ID_NAMES = ("series_id", "unique_id", "id")  # read as text: "007" is a name
PLAIN_DECIMALS = re.compile(r"[-+]?\d*\.(?:\d{0,2}|\d{4,})|[-+]?0*\.\d*")
MONTH_CELL = re.compile(r"(?:0[1-9]|1[0-2])\.\d{4}|\d{4}\.(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of a file or frame, with the place of each row in its source.

    Attributes:
        frame: one column a name; of a numeric type if every value is a number.
        rows: number of each row in its source, ``(rows,)``.
        row_unit: unit of these numbers: ``line`` or ``row``.
        delimiter: between the columns of a file; empty for a frame.
        source: the file's path, or another name, for messages.
        notes: guesses made while reading.
        decimal: mark before the decimals, if the table shows it.
        marks: that mark by the name of a column of text with numbers.
        questions: by the name of a column, the error to raise where its numbers are
            read: their marks can be understood in two ways.
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    row_unit: str
    delimiter: str
    source: str
    notes: tuple[str, ...] = ()
    decimal: Decimal | None = None
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    questions: Mapping[str, DataError] = field(default_factory=dict)

    def where(self, position: int) -> str:
        """Format the place of a row in its source: ``line 17``."""
        return f"{self.row_unit} {self.rows[position]}"


@dataclass(frozen=True, slots=True)
class TableLimits:
    """Largest table that is read.

    Attributes:
        rows: lines of the text.
        columns: fields of a line.
    """

    rows: int
    columns: int

    def check_rows(self, path: str | Path, count: int) -> None:
        """Check the number of rows.

        Raises:
            UnreadableData: there are more.
        """
        if count > self.rows:
            problem = f"the file has {count:,} lines; at most {self.rows:,} are read"
            raise UnreadableData(path, problem, "Give fewer, such as the latest.")

    def check(self, path: str | Path, text: str) -> None:
        """Check a text before it is split into rows and columns.

        Raises:
            UnreadableData: it has more rows, or more columns in its first lines.
        """
        self.check_rows(path, max(text.count("\n"), text.count("\r")))
        for number, line in enumerate(text[:SAMPLE_CHARACTERS].splitlines(), 1):
            if len(line) < self.columns:
                continue
            columns = 1 + max(map(line.count, DELIMITERS))
            if columns > self.columns:
                problem = (
                    f"line {number} has {columns:,} columns; at most "
                    f"{self.columns:,} are read"
                )
                advice = "Give one row for each moment of a series."
                raise UnreadableData(path, problem, advice)


def read_table(path: str | Path, schema: Schema) -> Table:
    """Read a CSV file, plain or gzipped; rows without any value are dropped.

    Workbooks (.xlsx) and Parquet files are read by pandas, where it has a reader.

    Args:
        path: path of the file.
        schema: its encoding; its series ids and categories are read as text even if
            they look like numbers.

    Raises:
        UnreadableData: the file does not exist, or is no table with a header and rows.
        SettingError: there is no such encoding.
    """
    data = read_bytes(Path(path))
    if is_workbook(data):
        return _find_table(path, *read_workbook(Path(path), data))
    if data.startswith(PARQUET_MAGIC):
        frame = read_parquet(Path(path), data)
        return _to_table(path, frame, 0, list(map(str, frame.columns)), [])
    return parse_table(path, data, schema)


def parse_table(
    path: str | Path, data: bytes, schema: Schema, limits: TableLimits | None = None
) -> Table:
    """Parse the bytes of a CSV file; rows without any value are dropped.

    Args:
        path: of the file, for messages.
        data: its content, unpacked.
        schema: as in `read_table`.
        limits: of the table; default none.

    Raises:
        UnreadableData, SettingError: as `read_table`; or it is above the limits.
    """
    text, notes = decode(path, data, schema.encoding)
    if limits is not None:
        limits.check(path, text)
    layout = find_layout(path, text, notes)
    _check_header(path, layout.names)
    id_parts = [part for id_ in schema.series_id or () for part in split_list(id_)]
    text_columns = (*(schema.series_id or ()), *id_parts, *schema.text)
    frame = _parse(path, text, layout, text_columns)
    empty = frame.isna().all(axis=1).to_numpy()
    if frame.shape[1] == 1:  # an empty line is a missing value, but not at the end
        empty = np.logical_and.accumulate(empty[::-1])[::-1]
    frame = _restore_text(path, text, layout, frame, schema.roles)
    rows = _line_numbers(text, layout, len(frame))
    named = [name != "" for name in layout.names]
    frame = frame.loc[~empty, named].reset_index(drop=True)
    if frame.empty:
        raise UnreadableData(path, "the file has a header and no rows", "Add rows.")
    return Table(frame, rows[~empty], "line", layout.delimiter, str(path), tuple(notes))


def check_unique(source: object, names: Sequence[str]) -> None:
    """Check that the columns of a table have different names.

    Raises:
        UnreadableData: two columns have one name, which the message gives.
    """
    duplicates = [name for name, count in Counter(names).items() if name and count > 1]
    if duplicates:
        problem = f"the header names {', '.join(map(repr, duplicates))} more than once"
        raise UnreadableData(source, problem, "Give every column its own name.")


def _find_table(path: str | Path, grid: pd.DataFrame, notes: list[str]) -> Table:
    """Return the cells of a sheet as a table, below the row that has the names."""
    text = grid.head(SAMPLE_LINES).astype(object)
    text = text.where(text.notna(), "").astype(str)
    records = [
        (i + 1, [str(cell).strip() for cell in cells])
        for i, cells in enumerate(text.to_numpy().tolist())
        if any(cells)
    ]
    header = find_header(path, records)
    note_title(records[:header], "row", notes)
    line, names = records[header]
    return _to_table(path, grid.iloc[line:].infer_objects(), line, names, notes)


def _to_table(
    path: str | Path,
    frame: pd.DataFrame,
    num_above: int,
    names: Sequence[str],
    notes: list[str],
) -> Table:
    """Return typed cells as a table; rows without any value are dropped."""
    _check_header(path, names)
    empty = frame.isna().all(axis=1).to_numpy()
    columns = [i for i, name in enumerate(names) if name]
    frame = frame.loc[~empty].iloc[:, columns].reset_index(drop=True)
    if frame.empty:
        raise UnreadableData(path, "the file has a header and no rows", "Add rows.")
    frame = frame.set_axis([names[i] for i in columns], axis=1)
    rows = np.flatnonzero(~empty) + num_above + 1
    return Table(frame, rows, "row", "", str(path), tuple(notes))


def _check_header(path: str | Path, names: Sequence[str]) -> None:
    check_unique(path, names)
    looks_like_data = re.compile(r"[-+\d][-+.,:/\d TZeE]*")
    if all(looks_like_data.fullmatch(name) for name in names):
        problem = f"the first line ({', '.join(names[:5])}) looks like data"
        raise UnreadableData(path, problem, "Put the names of the columns above it.")


def _line_numbers(text: str, layout: Layout, count: int) -> npt.NDArray[np.int64]:
    """Return the line of each row, the last of those of a row with line breaks."""
    num_lines = max(text.count("\n"), text.count("\r")) + (text[-1:] not in "\r\n")
    if num_lines <= layout.lines + count or '"' not in text:
        return np.arange(count) + layout.lines + 1
    stream = _skip_lines(text, layout.lines)
    reader = csv.reader(stream, delimiter=layout.delimiter, skipinitialspace=True)
    numbers = [reader.line_num for _ in islice(reader, count)]
    return np.asarray(numbers, dtype=np.int64) + layout.lines


def _skip_lines(text: str, count: int) -> io.StringIO:
    stream = io.StringIO(text, newline="")
    for _ in range(count):
        stream.readline()
    return stream


def _unique_names(layout: Layout) -> list[str]:
    return [name or f"\0{i}" for i, name in enumerate(layout.names)]


def _parse(
    path: str | Path, text: str, layout: Layout, text_columns: Sequence[str]
) -> pd.DataFrame:
    names = _unique_names(layout)
    as_text = {name for name in names if name in (*text_columns, *SERIES_ID_NAMES)}
    missing = {name: [""] if name in as_text else MISSING_MARKERS for name in names}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return _read(
                text, layout, na_values=missing, dtype=dict.fromkeys(as_text, str)
            )
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=names)
    except (pd.errors.ParserError, pd.errors.ParserWarning):
        problem = f"not every line has {len(names)} fields as the header has"
        line, count = _first_long_line(text, layout)
        if line:
            problem = f"line {line} has {count} fields, the header {len(names)}"
        advice = "Make them equal; quote text that holds the delimiter."
        raise UnreadableData(path, problem, advice) from None


def _first_long_line(text: str, layout: Layout) -> tuple[int, int]:
    """Return the first line with more fields than the header, and their number."""
    stream = _skip_lines(text, layout.lines)
    reader = csv.reader(stream, delimiter=layout.delimiter, skipinitialspace=True)
    try:
        for fields in reader:
            if len(fields) > len(layout.names):
                return layout.lines + reader.line_num, len(fields)
    except csv.Error:
        pass
    return 0, 0


def _read(text: str, layout: Layout, **options: Any) -> pd.DataFrame:
    """Read the rows below the header by pandas."""
    frame: pd.DataFrame = pd.read_csv(
        _skip_lines(text, layout.lines),
        sep=layout.delimiter,
        header=None,
        names=_unique_names(layout),
        index_col=False,
        skip_blank_lines=False,
        skipinitialspace=True,
        keep_default_na=False,
        low_memory=False,
        **options,
    )
    return frame


def _restore_text(
    path: str | Path,
    text: str,
    layout: Layout,
    frame: pd.DataFrame,
    covariates: Iterable[str],
) -> pd.DataFrame:
    """Return the frame with the text of the columns that need it.

    These are numbers whose dots may part thousands, covariates with leading zeros,
    and text in which ``NA`` and ``None`` are words.
    """
    may_be_codes = {name for name in covariates if name in frame.columns}
    sample = dict(
        zip(_unique_names(layout), zip(*layout.sample, strict=False), strict=False)
    )
    names = [
        name
        for name in frame.columns
        if _needs_text(frame[name], sample.get(name, ()), name in may_be_codes)
    ]
    if not names:
        return frame
    empty = {name: [""] for name in names}
    raw = _read(text, layout, usecols=names, dtype=str, na_values=empty)
    changed = {
        name: raw[name]
        for name in names
        if _keeps_text(frame[name], raw[name], name in may_be_codes)
    }
    return frame.assign(**changed)


def _needs_text(
    column: "pd.Series[Any]", sample: Sequence[str], may_be_codes: bool
) -> bool:
    """Test if the text of a column may say more than its values."""
    if not pd.api.types.is_numeric_dtype(column):
        return bool(column.isna().any())
    if column.dtype.kind != "f":
        return may_be_codes and column.dtype.kind in "iu"
    values = column.dropna().to_numpy()
    if not len(values):
        return True
    if may_be_codes and (values == np.floor(values)).all():
        return True
    if sample and all(map(MONTH_CELL.fullmatch, sample)):
        return True
    if any(map(PLAIN_DECIMALS.fullmatch, sample)):
        return False
    thousandths = values[np.isfinite(values)] * 1000
    return bool((np.abs(thousandths - np.round(thousandths)) < 1e-6).all())


def _keeps_text(
    column: "pd.Series[Any]", raw: "pd.Series[Any]", may_be_codes: bool
) -> bool:
    present = raw.dropna().str.strip()
    if not pd.api.types.is_numeric_dtype(column) or column.isna().all():
        return len(present) > 0
    if may_be_codes and present.str.match(r"0\d").any():
        return True
    if present.str.fullmatch(MONTH_CELL).all():
        return True
    return bool(present.str.fullmatch(r"[-+]?[1-9]\d{0,2}\.\d{3}").any())
