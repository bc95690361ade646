"""CSV files as tables of text and numbers: gzip, encoding, delimiter and header."""

import csv
import gzip
import io
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.data.schema import Schema, split_list
from forecasting.errors import UnreadableData

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MISSING_MARKERS = (
    "",
    "NA",
    "N/A",
    "#N/A",
    "NaN",
    "nan",
    "-nan",
    "NULL",
    "null",
    "None",
    "<NA>",
)
SERIES_ID_NAMES = ("series_id", "unique_id", "id")  # read as text: "007" is a name
SAMPLE_LINES = 50  # for the guess of the delimiter
MAX_BYTES = 2**30  # of an unpacked file
MAX_BYTES_AT_ANY_RATIO = 2**26  # of an unpacked file, at any size of the packed one
MAX_COMPRESSION_RATIO = 200  # for larger files; numbers as text reach 30
GZIP_MAGIC = b"\x1f\x8b"


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
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    row_unit: str
    delimiter: str
    source: str
    notes: tuple[str, ...] = ()

    def where(self, position: int) -> str:
        """Format the place of a row in its source: ``line 17``."""
        return f"{self.row_unit} {self.rows[position]}"


def read_table(path: str | Path, schema: Schema) -> Table:
    """Read a CSV file, plain or gzipped; rows without any value are dropped.

    Args:
        path: path of the file.
        schema: its encoding and decimal mark; its series ids and categories are read
            as text even if they look like numbers.

    Raises:
        UnreadableData: the file does not exist, or is no CSV with a header and rows.
    """
    text, notes = _decode(path, _read_bytes(Path(path)))
    lines = text[: 2**20].splitlines()
    header_line = next((i for i, line in enumerate(lines) if line.strip()), None)
    if header_line is None:
        raise UnreadableData(path, "the file is empty", "Give a CSV with a header.")
    sample = lines[header_line : header_line + SAMPLE_LINES]
    delimiter = _guess_delimiter(sample)
    if delimiter != ",":
        notes.append(f"delimiter: {DELIMITER_NAMES[delimiter]}")
    names = [name.strip() for name in next(csv.reader(sample[:1], delimiter=delimiter))]
    _check_header(path, names)
    id_parts = [part for id_ in schema.series_id or () for part in split_list(id_)]
    text_columns = (*(schema.series_id or ()), *id_parts, *schema.text)
    frame = _parse(path, text, header_line + 1, names, delimiter, text_columns)
    rows = np.arange(len(frame)) + header_line + 2
    empty = frame.isna().all(axis=1).to_numpy()
    if frame.shape[1] == 1:  # an empty line is a missing value, but not at the end
        empty = np.logical_and.accumulate(empty[::-1])[::-1]
    frame = frame.loc[~empty, [name != "" for name in names]].reset_index(drop=True)
    if frame.empty:
        raise UnreadableData(path, "the file has a header and no rows", "Add rows.")
    return Table(frame, rows[~empty], "line", delimiter, str(path), tuple(notes))


def check_unique(source: object, names: Sequence[str]) -> None:
    """Check that the columns of a table have different names.

    Raises:
        UnreadableData: two columns have one name, which the message gives.
    """
    duplicates = [name for name, count in Counter(names).items() if name and count > 1]
    if duplicates:
        problem = f"the header names {', '.join(map(repr, duplicates))} more than once"
        raise UnreadableData(source, problem, "Give every column its own name.")


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise UnreadableData(path, "this is a folder", "Give the path of a CSV file.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableData(path, "the file is larger than 1 GiB", "Split it.")
        packed = path.read_bytes()
    except FileNotFoundError:
        raise UnreadableData(path, "there is no such file", "Check the path.") from None
    except OSError as error:
        problem = f"the file cannot be opened ({error.strerror})"
        raise UnreadableData(path, problem, "Check the path and your rights.") from None
    if packed[:2] == GZIP_MAGIC:
        return _unpack(path, packed)
    if path.suffix == ".gz":
        raise UnreadableData(
            path, "this is no gzip file", "Pack it anew, or rename it."
        )
    return packed


def _unpack(path: Path, packed: bytes) -> bytes:
    max_bytes = min(
        MAX_BYTES, max(MAX_BYTES_AT_ANY_RATIO, MAX_COMPRESSION_RATIO * len(packed))
    )
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise UnreadableData(path, "the gzip is damaged", "Pack it anew.") from None
    if len(data) > max_bytes:
        problem = f"the file unpacks to more than {max_bytes // 2**20} MiB"
        raise UnreadableData(path, problem, "Give it unpacked, at most 1 GiB.")
    return data


def _decode(path: str | Path, data: bytes) -> tuple[str, list[str]]:
    head = data[: 2**16]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableData(path, "the text is UTF-16", "Save it as CSV in UTF-8.")
    if b"\0" in head or head[:4] in (b"PK\3\4", b"PAR1", b"%PDF"):
        raise UnreadableData(path, "this is a binary file", "Save it as CSV.")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{", b"["):
        problem = "this is HTML, XML or JSON, no CSV"
        raise UnreadableData(path, problem, "Save the table itself as CSV.")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["encoding: Latin-1 (the text is no UTF-8)"]


def _guess_delimiter(sample: Sequence[str]) -> str:
    """Return the delimiter by which most lines have as many fields as the header."""

    def score(delimiter: str) -> tuple[int, int]:
        fields = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        wide = fields[0] > 1
        return (fields.count(fields[0]), fields[0]) if wide else (0, 0)

    return max(DELIMITERS, key=score)


def _check_header(path: str | Path, names: Sequence[str]) -> None:
    check_unique(path, names)
    looks_like_data = re.compile(r"[-+\d][-+.,:/\d TZeE]*")
    if all(looks_like_data.fullmatch(name) for name in names):
        problem = f"the first line ({', '.join(names[:5])}) looks like data"
        raise UnreadableData(path, problem, "Put the names of the columns above it.")


def _parse(
    path: str | Path,
    text: str,
    skip: int,
    names: Sequence[str],
    delimiter: str,
    text_columns: Sequence[str],
) -> pd.DataFrame:
    unique_names = [name or f"\0{i}" for i, name in enumerate(names)]
    as_text = {
        name for name in unique_names if name in (*text_columns, *SERIES_ID_NAMES)
    }
    missing = {
        name: [""] if name in as_text else MISSING_MARKERS for name in unique_names
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                header=None,
                names=unique_names,
                index_col=False,
                skiprows=skip,
                skip_blank_lines=False,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=missing,
                dtype=dict.fromkeys(as_text, str),
                low_memory=False,
            )
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=unique_names)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        problem = f"not every line has {len(names)} fields as the header has"
        match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if match:
            problem = f"line {match[2]} has {match[3]} fields, the header {len(names)}"
        advice = "Make them equal; quote text that holds the delimiter."
        raise UnreadableData(path, problem, advice) from None
