"""Formats of `datetime.strptime` as patterns, and back from a match to a format."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from forecasting.errors import SettingError
from forecasting.timestamps.parsing.formats import Reading
from forecasting.timestamps.parsing.words import (
    MONTH_PATTERN,
    WEEKDAY_PATTERN,
    plain,
)

UNITS = ("excel", "epoch_d", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns")
EXPECTED = (
    "a format of Python's strptime with a year, such as %d/%m/%Y or %Y-%m-%d %H:%M "
    "(%q is a quarter, %G-W%V an ISO week), or one of " + ", ".join(UNITS)
)
SHORTCUTS = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
DIRECTIVES = {  # letter: part, pattern, digits where no mark parts two numbers
    "Y": ("year", r"\d{4}", r"\d{4}"),
    "G": ("year", r"\d{4}", r"\d{4}"),
    "y": ("short", r"\d{2}", r"\d{2}"),
    "m": ("month", r"\d{1,2}", r"\d{2}"),
    "d": ("day", r"\d{1,2}", r"\d{2}"),
    "e": ("day", r"\d{1,2}", r"\d{2}"),
    "j": ("yearday", r"\d{1,3}", r"\d{3}"),
    "V": ("week", r"\d{1,2}", r"\d{2}"),
    "U": ("sunday_week", r"\d{1,2}", r"\d{2}"),
    "W": ("monday_week", r"\d{1,2}", r"\d{2}"),
    "u": ("weekday", r"[1-7]", r"[1-7]"),
    "q": ("quarter", r"[1-4]", r"[1-4]"),
    "H": ("hour", r"\d{1,2}", r"\d{2}"),
    "I": ("hour", r"\d{1,2}", r"\d{2}"),
    "M": ("minute", r"\d{1,2}", r"\d{2}"),
    "S": ("second", r"\d{1,2}", r"\d{2}"),
    "f": ("fraction", r"\d{1,9}", r"\d{1,9}"),
}
WORDS = {
    "b": ("name", MONTH_PATTERN + r"\.?"),
    "B": ("name", MONTH_PATTERN),
    "p": ("half", r"[ap]\.?m\.?"),
    "z": ("zone", r"z|utc|gmt|[+-]\d{2}(?::?\d{2})?"),
    "Z": ("zone", r"z|utc|gmt"),
    "a": ("dayname", WEEKDAY_PATTERN + r"\.?"),
    "A": ("dayname", WEEKDAY_PATTERN),
}
YEAR_PARTS = ("year", "short")
MONTH_PARTS = ("month", "name")
LETTERS = {  # of the parts of a date, for their order
    **{"year": "y", "short": "y", "month": "m", "name": "m", "day": "d"},
    **{"week": "w", "yearday": "j", "quarter": "q"},
}


@dataclass(frozen=True)
class TimeFormat:
    """A format of timestamps, checked.

    Attributes:
        text: in the form of `datetime.strptime`, or one of `UNITS`.
        parts: of a date and time, in the order of the text.
        expression: regular expression with a group for each part.
    """

    text: str
    parts: tuple[str, ...]
    expression: str

    @cached_property
    def pattern(self) -> "re.Pattern[str]":
        """Compiled pattern."""
        return re.compile(self.expression)

    @property
    def unit(self) -> str | None:
        """Unit of numbers, such as ``excel``; None for text."""
        return self.text if self.text in UNITS else None

    @property
    def order(self) -> str:
        """Letters of the parts of the date, such as ``dmy``."""
        return "".join(LETTERS.get(part, "") for part in self.parts)

    @property
    def hint(self) -> str | None:
        """Order of the parts, for text of another form; None for ISO dates.

        Years of four digits before a month and a day say nothing of 05/02/24.
        """
        is_iso = self.order == "ymd" and "year" in self.parts
        return None if is_iso or not self.order else self.order

    @property
    def num_digits(self) -> int | None:
        """Digits of a format without marks, such as 8 for ``%d%m%Y``; else None."""
        if not re.fullmatch(r"(?:\(\?P<\w+>\\d\{\d\}\))+", self.expression):
            return None
        return sum(map(int, re.findall(r"\{(\d)\}", self.expression)))


@lru_cache(maxsize=64)
def parse_time_format(text: str) -> TimeFormat:
    """Parse and check a format.

    Args:
        text: directives of `datetime.strptime`, ``%q`` for a quarter, or one of
            `UNITS`. Names of months are read in seven languages.

    Raises:
        SettingError: a directive is unknown or comes twice, or no year is among them.
    """
    if text in UNITS:
        return TimeFormat(text, (), "")
    full = re.sub("%[FTRD]", lambda match: SHORTCUTS[match[0]], text)
    tokens = re.findall(r"%.|[^%]+|%", full, re.DOTALL)
    parts: list[str] = []
    expression = ""
    for i, token in enumerate(tokens):
        around = (*tokens[max(i - 1, 0) : i], *tokens[i + 1 : i + 2])
        expression += _expression(text, token, around, parts)
    _check_parts(text, full, parts)
    return TimeFormat(text, tuple(parts), expression)


def format_of_match(
    match: "re.Match[str]", written: str, reading: Reading
) -> str | None:
    """Return the format of a value that a form matches; None where it has none.

    Args:
        match: of the form's pattern, in small letters.
        written: the value as it is written.
        reading: parts of the open groups.
    """
    source = written if len(written) == len(match.string) else match.string
    is_week, spans = "w" in reading.order, []
    for group, index in match.re.groupindex.items():
        if group == "sep" or match[group] is None:
            continue
        directive = _directive(reading.parts.get(group, group), match, is_week)
        if directive is None:
            return None
        spans.append((*match.span(index), directive))
    result, place = "", 0
    for start, end, directive in sorted(spans):
        result += source[place:start].replace("%", "%%") + directive
        place = end
    return result + source[place:].replace("%", "%%")


def _expression(
    text: str, token: str, around: tuple[str, ...], parts: list[str]
) -> str:
    if token == "%%":
        return "%"
    if not token.startswith("%"):
        return re.sub(r"(?:\\ )+", " +", re.escape(plain(token)))
    letter = token[1:]
    if letter in WORDS:
        part, pattern = WORDS[letter]
    elif letter in DIRECTIVES:
        part, pattern, digits = DIRECTIVES[letter]
        touches = any(
            other[0] == "%" and other[1:] in DIRECTIVES and other[1:] != "f"
            for other in around
        )
        pattern = digits if touches else pattern
    else:
        raise SettingError("time_format", text, EXPECTED)
    if part in parts:
        raise SettingError("time_format", text, f"a format with one {part}")
    parts.append(part)
    return f"(?P<{part}>{pattern})"


def _check_parts(text: str, full: str, parts: list[str]) -> None:
    has_month = any(part in parts for part in MONTH_PARTS)
    expected = None
    if sum(part in parts for part in YEAR_PARTS) != 1:
        expected = "a format with one year (%Y, %y or %G)"
    elif "name" in parts and "month" in parts:
        expected = "a format with one month (%m, %b or %B)"
    elif "day" in parts and not has_month:
        expected = "a format with a month beside the day (%m, %b or %B)"
    elif ("%I" in full) != ("%p" in full):
        expected = "a format with both of %I and %p, or with %H"
    if expected is not None:
        raise SettingError("time_format", text, expected)


def _directive(part: str, match: "re.Match[str]", is_week: bool) -> str | None:
    if part == "year":
        return "%G" if is_week else "%Y"
    if part == "hour":
        has_half = "half" in match.re.groupindex and match["half"]
        return "%I" if has_half else "%H"
    if part in ("name", "dayname"):
        full, short = ("%B", "%b") if part == "name" else ("%A", "%a")
        return full if len(match[part]) > 4 else short
    names = {"short": "%y", "month": "%m", "day": "%d", "yearday": "%j", "week": "%V"}
    names |= {"weekday": "%u", "quarter": "%q", "minute": "%M", "second": "%S"}
    names |= {"fraction": "%f", "half": "%p", "zone": "%z"}
    return names.get(part)
