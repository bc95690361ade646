"""Plain numbers, as people paste them: one line of them, or one number a line.

``1,5 2,5 3,5``, ``1; 2; 3`` and ``1.5, 2.5`` are one series each. Between numbers are
spaces, tabs or semicolons; or commas, if there is none of these.
"""

import re
from dataclasses import dataclass

MAX_BYTES = 2**20
NUMBER = re.compile(r"[-+\u2212]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?")
BRACKETS = re.compile(r"\[(.*)\]|\((.*)\)", re.DOTALL)
SEPARATORS = {  # of one line, the first that is in it
    "semicolons": re.compile(r"\s*;\s*"),
    "commas and spaces": re.compile(r",\s+"),
    "spaces": re.compile(r"\s+"),
    "commas": re.compile(r","),
}


@dataclass(frozen=True, slots=True)
class PlainNumbers:
    """Numbers as they were written, not yet read.

    Attributes:
        cells: the text of each.
        separator: name of the marks between them.
    """

    cells: tuple[str, ...]
    separator: str


def find_plain_numbers(data: bytes) -> PlainNumbers | None:
    """Return the numbers of a short text that holds nothing else, or None."""
    if len(data) > MAX_BYTES:
        return None
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return None
    bracket = BRACKETS.fullmatch(text)
    if bracket:
        text = (bracket[1] or bracket[2] or "").strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        cells = [line.rstrip(",;") for line in lines]
        return _check(cells, "lines")
    return _split(lines[0]) if lines else None


def _split(line: str) -> PlainNumbers | None:
    """Return the numbers of one line."""
    line = line.rstrip(",; ")
    name = next((name for name, mark in SEPARATORS.items() if mark.search(line)), None)
    if name is None:
        return _check([line], "nothing")
    return _check(SEPARATORS[name].split(line), name)


def _check(cells: list[str], separator: str) -> PlainNumbers | None:
    is_plain = all(NUMBER.fullmatch(cell) and cell.count(",") < 2 for cell in cells)
    return PlainNumbers(tuple(cells), separator) if is_plain else None
