"""A CSV file as a table of text and numbers: packing, encoding, delimiter, header."""

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

from forecasting.errors import UnreadableData

DELIMITERS = (",", ";", "\t", "|")


DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


MISSING = (
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


ID_NAMES = ("series_id", "unique_id", "id")  # read as text: "007" is a name


SAMPLE = 50  # lines that the delimiter is guessed from


MAX_BYTES = 2**30  # of a file, unpacked


SAFE_BYTES = 2**26  # unpacked, however small the packed file is


MAX_RATIO = 200  # unpacked to packed beyond that; numbers as text reach 30


GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns as they were read, and where each row came from.

    Attributes:
        frame: one column a name; numbers where the whole column is numbers.
        rows: number of each row in its source, ``(rows,)``.
        row_word: what such a number counts: ``line`` or ``row``.
        delimiter: between the columns of a file; empty for a frame.
        source: the file's path, or another name, for messages.
        notes: what was guessed.
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    row_word: str
    delimiter: str
    source: str
    notes: tuple[str, ...] = ()

    def where(self, position: int) -> str:
        """Name the place of a row in its source: ``line 17``."""
        return f"{self.row_word} {self.rows[position]}"


def read_table(path: str | Path, text_columns: Sequence[str] = ()) -> Table:
    """Read a CSV file, plain or gzipped; rows without any value are left out.

    Args:
        path: of the file.
        text_columns: columns to keep as text even if they look like numbers.

    Raises:
        UnreadableData: there is no such file, or it is no CSV with a header and rows.
    """
    text, notes = _decode(path, _read_bytes(Path(path)))
    lines = text[: 2**20].splitlines()
    header_line = next((i for i, line in enumerate(lines) if line.strip()), None)
    if header_line is None:
        raise UnreadableData(path, "the file is empty", "Give a CSV with a header.")
    sample = lines[header_line : header_line + SAMPLE]
    delimiter = _guess_delimiter(sample)
    if delimiter != ",":
        notes.append(f"delimiter: {DELIMITER_NAMES[delimiter]}")
    names = [name.strip() for name in next(csv.reader(sample[:1], delimiter=delimiter))]
    _check_header(path, names)
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
    """Refuse a table in which two columns have one name.

    Raises:
        UnreadableData: says which.
    """
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        found = f"the header names {', '.join(map(repr, twice))} more than once"
        raise UnreadableData(source, found, "Give every column its own name.")


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
        found = f"the file cannot be opened ({error.strerror})"
        raise UnreadableData(path, found, "Check the path and your rights.") from None
    if packed[:2] == GZIP:
        return _unpack(path, packed)
    if path.suffix == ".gz":
        raise UnreadableData(
            path, "this is no gzip file", "Pack it anew, or rename it."
        )
    return packed


def _unpack(path: Path, packed: bytes) -> bytes:
    most = min(MAX_BYTES, max(SAFE_BYTES, MAX_RATIO * len(packed)))
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            data = stream.read(most + 1)
    except (OSError, EOFError, zlib.error):
        raise UnreadableData(path, "the gzip is damaged", "Pack it anew.") from None
    if len(data) > most:
        found = f"the file unpacks to more than {most // 2**20} MiB"
        raise UnreadableData(path, found, "Give it unpacked, at most 1 GiB.")
    return data


def _decode(path: str | Path, data: bytes) -> tuple[str, list[str]]:
    head = data[: 2**16]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableData(path, "the text is UTF-16", "Save it as CSV in UTF-8.")
    if b"\0" in head or head[:4] in (b"PK\3\4", b"PAR1", b"%PDF"):
        raise UnreadableData(path, "this is a binary file", "Save it as CSV.")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{", b"["):
        found = "this is HTML, XML or JSON, no CSV"
        raise UnreadableData(path, found, "Save the table itself as CSV.")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["encoding: Latin-1 (the text is no UTF-8)"]


def _guess_delimiter(sample: Sequence[str]) -> str:
    """Return the delimiter that cuts most lines into as many fields as the header."""

    def score(delimiter: str) -> tuple[int, int]:
        fields = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        wide = fields[0] > 1
        return (fields.count(fields[0]), fields[0]) if wide else (0, 0)

    return max(DELIMITERS, key=score)


def _check_header(path: str | Path, names: Sequence[str]) -> None:
    check_unique(path, names)
    looks_like_data = re.compile(r"[-+\d][-+.,:/\d TZeE]*")
    if all(looks_like_data.fullmatch(name) for name in names):
        found = f"the first line ({', '.join(names[:5])}) looks like data"
        raise UnreadableData(path, found, "Put the names of the columns above it.")


def _parse(
    path: str | Path,
    text: str,
    skip: int,
    names: Sequence[str],
    delimiter: str,
    text_columns: Sequence[str],
) -> pd.DataFrame:
    stand_ins = [name or f"\0{i}" for i, name in enumerate(names)]
    as_text = {name for name in stand_ins if name in (*text_columns, *ID_NAMES)}
    missing = {name: [""] if name in as_text else MISSING for name in stand_ins}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                header=None,
                names=stand_ins,
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
        return pd.DataFrame(columns=stand_ins)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        found = f"not every line has {len(names)} fields as the header has"
        match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if match:
            found = f"line {match[2]} has {match[3]} fields, the header {len(names)}"
        advice = "Make them equal; quote text that holds the delimiter."
        raise UnreadableData(path, found, advice) from None
