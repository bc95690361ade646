"""Files as text: opened, unpacked and decoded, or refused by the name of their format.

Workbooks and Parquet files are read by pandas, if it has a reader of them.

UTF-8 and UTF-16 are recognised, with and without a byte order mark. Text that is
neither is taken for cp1252, as Windows writes it in Western Europe, unless the result
makes no sense there.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from forecasting.errors import SettingError, UnreadableData

MAX_BYTES = 2**30  # of an unpacked file
MAX_BYTES_AT_ANY_RATIO = 2**26  # of an unpacked file, at any size of the packed one
MAX_COMPRESSION_RATIO = 200  # for larger files; numbers as text reach 30
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
PARQUET_MAGIC = b"PAR1"
SAMPLE_BYTES = 2**16  # for the guess of the format and the encoding
SAMPLE_CHARACTERS = 2**20  # of text that is no UTF-8, for a test of its sense
FORMATS = {  # by the first bytes: name and remedy
    b"%PDF": ("a PDF", "Save the table itself as CSV."),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook (.xls)", "Save it as .xlsx or CSV."),
    b"{\\rtf": ("a text document (RTF)", "Save the table itself as CSV."),
    b"BZh": ("packed by bzip2", "Unpack it, or pack it with gzip."),
    b"\xfd7zXZ": ("packed by xz", "Unpack it, or pack it with gzip."),
    b"(\xb5/\xfd": ("packed by zstd", "Unpack it, or pack it with gzip."),
    b"7z\xbc\xaf": ("packed by 7-Zip", "Unpack it, or pack it with gzip."),
    b"Rar!": ("packed by RAR", "Unpack it, or pack it with gzip."),
    b"ARROW1": ("a Feather file", "Save it as Parquet or CSV."),
    b"SQLite format": ("an SQLite database", "Save the table itself as CSV."),
    b"\x89HDF": ("an HDF5 file", "Save the table itself as Parquet or CSV."),
    ZIP_MAGIC: ("a zip archive", "Unpack it, and give the CSV in it."),
}
BYTE_ORDER_MARKS = {  # UTF-32 first: its mark begins as that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
ENCODINGS = "an encoding, such as utf-8, utf-16, cp1252, cp1250, cp850 or shift_jis"
LETTER = "[A-Za-z\xc0-\xff\u0152\u0153\u0160\u0161\u0178\u017d\u017e]"
NOT_WESTERN = re.compile(  # signs inside of words, and words of letters with accents
    "[\x80-\x9f]"
    f"|{LETTER}[\u201a\u201e\u2026\u2020\u2021\u02c6\u2030\u2039\u201c\u201d\u2022"
    f"\u02dc\u2122\u203a\xa1-\xa9\xab-\xae\xb0-\xb4\xb6\xb8\xb9\xbb-\xbf]{LETTER}"
    f"|[\xa2-\xa9\xac-\xaf\xb9\xbc-\xbe]{LETTER}{LETTER}"
    f"|{LETTER}[\xa4\xa6\xac\xaf\xb4\xb6\xb8]|[\xc0-\xd6\xd8-\xf6\xf8-\xff]{{4}}"
)
ACCENTED_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\s,;\t|\"]*")


def read_bytes(path: Path) -> bytes:
    """Read a file, unpacked where it is a gzip.

    Raises:
        UnreadableData: it does not exist, cannot be opened, is damaged or too large.
    """
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
        ratio = max(MAX_BYTES_AT_ANY_RATIO, MAX_COMPRESSION_RATIO * len(packed))
        return _unpack(path, packed, min(MAX_BYTES, ratio))
    if path.suffix == ".gz":
        raise UnreadableData(
            path, "this is no gzip file", "Pack it anew, or rename it."
        )
    return packed


def decode(
    path: str | Path, data: bytes, encoding: str | None = None
) -> tuple[str, list[str]]:
    """Decode the bytes of a text file.

    Args:
        path: of the file, for messages.
        data: its content.
        encoding: as Python names it; default: it is guessed.

    Returns:
        The text, and a note where the encoding is not UTF-8.

    Raises:
        UnreadableData: the file is no text, or not in this encoding.
        SettingError: there is no such encoding.
    """
    if encoding is not None:
        check_encoding(encoding)
    head = data[:SAMPLE_BYTES]
    _check_format(path, head)
    guess = encoding or _guess_encoding(head)
    if guess is not None:
        text = _decode_strictly(path, data, guess)
        _check_text(path, text[:1000])
        is_usual = encoding is not None or guess == "utf-8-sig"
        return text, [] if is_usual else [f"encoding: {guess.upper()}"]
    if b"\0" in head:
        raise UnreadableData(path, "this is a binary file", "Save it as CSV.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text, notes = _decode_western(path, data, error.start)
        _check_text(path, text[:1000])
        return text, notes
    _check_text(path, text[:1000])
    return text, []


def check_encoding(encoding: str) -> None:
    """Check that there is an encoding of this name.

    Raises:
        SettingError: there is none.
    """
    try:
        b"a".decode(encoding)  # LookupError for codecs of bytes, too
    except (LookupError, ValueError, TypeError) as error:
        if not isinstance(error, UnicodeError):
            raise SettingError("encoding", encoding, ENCODINGS) from None


def unpack_text(path: str | Path, data: bytes, max_bytes: int) -> bytes:
    """Return the bytes of a text, unpacked where they are a gzip.

    Args:
        path: of the file, for messages.
        data: its content.
        max_bytes: of the unpacked text.

    Raises:
        UnreadableData: it is a workbook or a Parquet file, damaged or too large.
    """
    for is_format, name in (
        (is_workbook(data), "an Excel workbook"),
        (data.startswith(PARQUET_MAGIC), "a Parquet file"),
    ):
        if is_format:
            advice = "Save it as CSV; `recast inspect` reads it as it is."
            raise UnreadableData(path, f"this is {name}, a binary file", advice)
    return _unpack(path, data, max_bytes) if data[:2] == GZIP_MAGIC else data


def _unpack(path: str | Path, packed: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise UnreadableData(path, "the gzip is damaged", "Pack it anew.") from None
    if len(data) > max_bytes:
        problem = f"the file unpacks to more than {max_bytes / 2**20:.3g} MiB"
        raise UnreadableData(path, problem, "Give it unpacked, or in parts.")
    return data


def _check_format(path: str | Path, head: bytes) -> None:
    """Refuse files of other formats by their first bytes.

    Raises:
        UnreadableData: the file is of such a format.
    """
    if head.startswith(ZIP_MAGIC) and b"opendocument" in head[:200]:
        problem = "this is a LibreOffice document (.ods), a binary file"
        raise UnreadableData(path, problem, "Save it as CSV.")
    for magic, (name, advice) in FORMATS.items():
        if head.startswith(magic):
            raise UnreadableData(path, f"this is {name}, a binary file", advice)


def _check_text(path: str | Path, start: str) -> None:
    if start.removeprefix("\ufeff").lstrip()[:1] in ("<", "{", "["):
        problem = "this is HTML, XML or JSON, no CSV"
        raise UnreadableData(path, problem, "Save the table itself as CSV.")


def _guess_encoding(head: bytes) -> str | None:
    """Return the encoding of the byte order mark, or UTF-16 by its zeros."""
    for mark, name in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return name
    half = len(head) // 2
    even, odd = head[: 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > half / 2 and even < half / 50:
        return "utf-16-le"
    if even > half / 2 and odd < half / 50:
        return "utf-16-be"
    return None


def _decode_strictly(path: str | Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        shown = data[error.start : error.start + 1].hex()
        problem = f"the byte {shown} in line {line} is no text in {encoding}"
        advice = "Say another encoding with --encoding or data.encoding."
        raise UnreadableData(path, problem, advice) from None


def _decode_western(path: str | Path, data: bytes, start: int) -> tuple[str, list[str]]:
    """Decode text that is no UTF-8 as cp1252, if that makes sense.

    Args:
        path, data: as `decode`.
        start: position of the first byte that is no UTF-8.
    """
    text = data.decode("cp1252", errors="replace")
    sample = text[max(start - 100, 0) : start + SAMPLE_CHARACTERS]
    odd = NOT_WESTERN.search(sample)
    if odd is None and "\ufffd" in text:
        sample = text
        odd = re.search("\ufffd", text)
    line = data[:start].count(b"\n") + 1
    if odd is None:
        word = ACCENTED_WORD.search(sample)
        example = f", such as {word[0]!r}" if word else ""
        return text, [f"encoding: cp1252 (the text is no UTF-8){example}"]
    shown = sample[max(odd.start() - 8, 0) : odd.end() + 8].splitlines()
    problem = (
        f"the text (line {line}) is no UTF-8, and as cp1252 it would hold "
        f"{max(shown, key=len)!r}"
    )
    advice = (
        "Save it as UTF-8, or say the encoding with --encoding or data.encoding: "
        "cp1250 (Central Europe), cp1251 (Cyrillic), cp850 (DOS), mac_roman, "
        "shift_jis, gb18030, ..."
    )
    raise UnreadableData(path, problem, advice)


def is_workbook(data: bytes) -> bool:
    """Test if a file is an Excel workbook (.xlsx)."""
    return data.startswith(ZIP_MAGIC) and b"xl/" in data


def read_workbook(path: Path, data: bytes) -> tuple[pd.DataFrame, list[str]]:
    """Read the first sheet with cells of an Excel workbook.

    Returns:
        The cells without names of columns, the header among the rows; and a note.

    Raises:
        UnreadableData: pandas has no reader of workbooks, or the file is damaged.
    """
    with _reader_of(path, "an Excel workbook", "openpyxl"):
        sheets = pd.read_excel(
            io.BytesIO(data),
            sheet_name=None,
            header=None,
            dtype=object,
            keep_default_na=False,
            na_values=[""],
            engine="openpyxl",
        )
    filled = {name: sheet for name, sheet in sheets.items() if not sheet.empty}
    if not filled:
        raise UnreadableData(path, "the workbook is empty", "Give one with a table.")
    name, sheet = next(iter(filled.items()))
    others = f", the first of {len(filled)}" if len(filled) > 1 else ""
    return sheet, [f"sheet: {name!r}{others}"]


def read_parquet(path: Path, data: bytes) -> pd.DataFrame:
    """Read a Parquet file, its index as columns.

    Raises:
        UnreadableData: pandas has no reader of Parquet, or the file is damaged.
    """
    with _reader_of(path, "a Parquet file", "pyarrow"):
        frame = pd.read_parquet(io.BytesIO(data), engine="pyarrow")
    return frame if frame.index.names == [None] else frame.reset_index()


@contextmanager
def _reader_of(path: Path, name: str, package: str) -> Iterator[None]:
    """Refuse a file if its reader is not installed, or fails."""
    try:
        yield
    except ImportError:
        problem = f"this is {name}, a binary file, and {package} is not installed"
        advice = f"Save it as CSV, or install its reader: pip install {package}."
        raise UnreadableData(path, problem, advice) from None
    except Exception as error:  # the readers raise errors of many kinds
        problem = f"this is {name} that cannot be read ({error!s:.200})"
        raise UnreadableData(path, problem, "Save it as CSV.") from None
