"""Layout of text: titles above the header, the header, and the delimiter.

Lines are compared over the whole sample: a delimiter parts most of them alike, into
fields that make sense, and the header is above the first numbers and dates.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

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
SAMPLE_CHARACTERS = 2**20  # in which the sample lies
WITHOUT_HEADER = 0.1  # weight of a delimiter by which no line can be the header
SAMPLE_LINES = 100  # for the guess of title, header and delimiter
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # as Excel reads it
DATA_CELL = re.compile(  # a number, with its unit, or a date of digits
    r"[-+(\u2212\u2013]?\s*(?:[$\u20ac\xa3\xa5]|[A-Z]{3}\s)?\s*[-+]?[.,]?\d"
    r"[\d.,:/'\u2019 \xa0\u202fTZeE+-]*(?:\s?[%$\u20ac\xa3\xa5]|\s[A-Z]{3})?\)?"
    r"|\d{4}[- ]?[QW]\d\d?"
)
DECIMAL_COMMA_LINE = re.compile(r"[-+]?\d+,\d+")
Record = tuple[int, list[str]]  # the last of its lines in the file, and its fields


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of the header and the fields in a text.

    Attributes:
        delimiter: between the fields of a line.
        names: of the columns, empty for a column without a name.
        lines: number of lines up to the header.
        sample: fields of the first records below the header.
    """

    delimiter: str
    names: tuple[str, ...]
    lines: int
    sample: tuple[tuple[str, ...], ...]


def find_layout(path: str | Path, text: str, notes: list[str]) -> Layout:
    """Return the layout of a text; add notes on the guesses.

    Raises:
        UnreadableData: the text is empty, or has no header.
    """
    sample = text[:SAMPLE_CHARACTERS]
    lines = _records(path, sample, "\0")
    if not lines:
        raise UnreadableData(path, "the file is empty", "Give a CSV with a header.")
    first_line, first_fields = lines[0]
    separator = SEPARATOR_LINE.fullmatch(first_fields[0].strip()) or (
        SEPARATOR_LINE.fullmatch(next(iter(sample.splitlines()), ""))
    )
    if separator:
        delimiter, above = separator[1], first_line
        notes.append(f"delimiter: {_name(delimiter)} (line {first_line} says so)")
    else:
        delimiter, above = _guess_delimiter(path, sample, [f[0] for _, f in lines]), 0
        if delimiter != ",":
            notes.append(f"delimiter: {_name(delimiter)}")
    records = [
        record for record in _records(path, sample, delimiter) if record[0] > above
    ]
    if not records:
        raise UnreadableData(path, "the file is empty", "Give a CSV with a header.")
    header = find_header(path, records)
    note_title(records[:header], "line", notes)
    line, names = records[header]
    body = tuple(tuple(fields) for _, fields in records[header + 1 :])
    return Layout(delimiter, tuple(names), line, body)


def _records(path: str | Path, text: str, delimiter: str) -> list[Record]:
    """Return the first records that are not blank, with their fields."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True
    )
    try:
        records = [
            (reader.line_num, [cell.strip() for cell in fields])
            for fields in islice(reader, 2 * SAMPLE_LINES)
        ]
    except csv.Error as error:
        problem = f"line {reader.line_num} cannot be split into fields ({error})"
        raise UnreadableData(path, problem, "Check the quotes.") from None
    return [record for record in records if any(record[1])][:SAMPLE_LINES]


def _name(delimiter: str) -> str:
    return DELIMITER_NAMES.get(delimiter, repr(delimiter))


def note_title(records: Sequence[Record], unit: str, notes: list[str]) -> None:
    """Add a note on the lines or rows above the header, if there are any."""
    if records:
        lines = [str(line) for line, _ in records]
        plural, start = "s" * (len(lines) > 1), ", ".join(filter(None, records[0][1]))
        notes.append(
            f"left out above the header: {unit}{plural} {', '.join(lines)} ({start!r})"
        )


def _guess_delimiter(path: str | Path, sample: str, lines: Sequence[str]) -> str:
    """Return the delimiter that makes most lines alike, with fields that make sense.

    Fields make sense if they are numbers or dates. A column of numbers with decimal
    commas is one column.
    """
    body = [line for line in lines[1:] if line]
    if body and "," not in lines[0] and all(map(DECIMAL_COMMA_LINE.fullmatch, body)):
        return ";"
    return max(DELIMITERS, key=lambda mark: _score(_records(path, sample, mark)))


def _score(records: Sequence[Record]) -> tuple[float, int]:
    width = _common_width(records)
    if width == 1:
        return 0.0, 1
    regular = [fields for _, fields in records if len(fields) == width]
    cells = [cell for fields in regular for cell in fields if cell]
    typed = sum(map(_is_data, cells)) / max(len(cells), 1)
    has_header = not all(any(map(_is_data, fields)) for fields in regular)
    share = len(regular) / len(records) * (1.0 if has_header else WITHOUT_HEADER)
    return round(share * (0.2 + typed), 9), width


def _common_width(records: Iterable[Record]) -> int:
    """Return the most frequent number of fields; 1 only if no record has more."""
    counts = Counter(len(fields) for _, fields in records if len(fields) > 1)
    return max(counts, key=lambda width: (counts[width], width), default=1)


def _is_data(cell: str) -> bool:
    return DATA_CELL.fullmatch(cell) is not None


def find_header(path: str | Path, records: Sequence[Record]) -> int:
    """Return the position of the header among the first records.

    It is the fullest of the records above the first with numbers or dates in its
    columns of numbers and dates.

    Raises:
        UnreadableData: two records could be it, or it has too few fields.
    """
    width = _common_width(records)
    regular = [fields for _, fields in records if len(fields) == width]
    columns = [i for i in range(width) if _are_data([row[i] for row in regular])]
    body = next((i for i, (_, row) in enumerate(records) if _has(row, columns)), 0)
    head = [fields for _, fields in records[:body]]
    _check_single_header(path, records[body:], columns)
    if not head:  # no typed column, or names that are numbers, such as years
        is_wide = [len(fields) >= width for _, fields in records]
        return is_wide.index(True)
    candidates = {
        i: sum(map(bool, fields))
        for i, fields in enumerate(head)
        if len(fields) >= width and any(fields[column] for column in columns)
    }
    if not candidates:
        (line, above), (below, _) = records[body - 1], records[body]
        problem = f"line {line} has {len(above)} fields, line {below} has {width}"
        advice = (
            "Give each column a name in the line above the data; quote numbers with "
            "a decimal comma, or part the columns by semicolons."
        )
        raise UnreadableData(path, problem, advice)
    best = max(candidates.values())
    fullest = [i for i, count in candidates.items() if count == best]
    last = fullest[-1]
    if last > 0 and records[last][0] > records[last - 1][0] + 1:  # below a blank line
        fullest = [last]
    if len(fullest) > 1:
        shown = " or ".join(
            f"line {records[i][0]} ({', '.join(records[i][1])})" for i in fullest[:3]
        )
        advice = "Leave one line with the names of the columns above the data."
        raise UnreadableData(path, f"it is open which is the header: {shown}", advice)
    return fullest[0]


def _check_single_header(
    path: str | Path, body: Sequence[Record], columns: Sequence[int]
) -> None:
    """Check that no second table begins below the first, after a blank line.

    Raises:
        UnreadableData: a line looks like its header.
    """
    for (before, _), (line, fields) in pairwise(body):
        is_full = all(i < len(fields) and fields[i] for i in columns)
        if line > before + 1 and is_full and not _has(fields, columns):
            problem = f"line {line} ({', '.join(fields)}) looks like a second header"
            advice = "Leave one line with the names of the columns, above all data."
            raise UnreadableData(path, problem, advice)


def _are_data(cells: Sequence[str]) -> bool:
    """Test if half of the cells are numbers or dates, the header among the cells."""
    present = [cell for cell in cells if cell not in MISSING_MARKERS]
    return bool(present) and 2 * sum(map(_is_data, present)) >= len(present)


def _has(fields: Sequence[str], columns: Sequence[int]) -> bool:
    """Test if a record has a number, a date or a mark of a missing value."""
    present = [fields[i] for i in columns if i < len(fields) and fields[i]]
    return any(_is_data(cell) or cell in MISSING_MARKERS for cell in present)
