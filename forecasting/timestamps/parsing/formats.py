"""Forms of dates as people and programs write them, with their possible readings.

A form is a pattern with a group for each part of a date. Some groups are open: in
``01/02/24`` each of the three may be the day. A reading gives each open group a part.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from forecasting.timestamps.parsing.words import MONTH_PATTERN, WEEKDAY_PATTERN

TIME = (
    r"(?:(?:,? +|t|:)(?P<hour>\d{1,2})"
    r"(?:[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?: ?(?P<half>[ap]\.?m\.?)| uhr)?)?"
)
ZONE = (  # only after a time of day
    r"(?(hour)(?: ?(?P<zone>z|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|utc|gmt)"
    r"(?:\[(?P<region>[a-z_/+-]+)\])?)?|)"
)
MOMENT = TIME + ZONE
YEAR, SHORT = r"(?P<year>\d{4})", r"'?(?P<short>\d{2})"
MONTH, DAY = r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
SEP = r"(?P<sep>[-/. ])"
NAME = rf"(?P<name>{MONTH_PATTERN})\.?"
ORDINAL = r"(?:st|nd|rd|th|er|\.|\N{DEGREE SIGN})?"
OF = r"(?: de| del| of|,)?"
QUARTER_WORD = r"(?:q|quarter|qtr|quartal|trimestre|trim\.?|kwartaal|k|t)"
WEEK_WORD = r"(?:w|week|wk|kw|cw|woche|kalenderwoche|semaine|semana|settimana)"
WEEKDAY = rf"(?:(?P<dayname>{WEEKDAY_PATTERN})[.,]{{0,2}} )?"


@dataclass(frozen=True, slots=True)
class Reading:
    """Parts of the open groups of a form.

    Attributes:
        parts: part of each group, such as ``{"a": "day", "b": "month"}``.
        order: letters of all parts in the order of the text, such as ``dmy``; weeks
            are ``w``, days of the year ``j``, quarters ``q``.
        usual: whether people mean it where nothing else speaks against it.
    """

    parts: dict[str, str]
    order: str
    usual: bool = False


@dataclass(frozen=True)
class Form:
    """A way to write dates.

    Attributes:
        text: pattern in small letters, with a named group for each part.
        readings: of its open groups, likely first; one where none is open.
    """

    text: str
    readings: tuple[Reading, ...]

    @cached_property
    def pattern(self) -> "re.Pattern[str]":
        """Compiled pattern."""
        return re.compile(self.text)


def _form(text: str, order: str, **groups: str) -> Form:
    return Form(text, (Reading(groups, order),))


DMY = Reading({"a": "day", "b": "month"}, "dmy")
MDY = Reading({"a": "month", "b": "day"}, "mdy")
USUAL_DMY = Reading(DMY.parts, "dmy", usual=True)
SHORT_DMY = Reading({"a": "day", "b": "month", "c": "short"}, "dmy")
SHORT_MDY = Reading({"a": "month", "b": "day", "c": "short"}, "mdy")
SHORT_YMD = Reading({"a": "short", "b": "month", "c": "day"}, "ymd")
MINOR = (
    Reading({"minor": "month"}, "ym", usual=True),
    Reading({"minor": "week"}, "yw"),
    Reading({"minor": "until"}, "y"),
)
MINOR_FIRST = (
    Reading({"minor": "month"}, "my", usual=True),
    Reading({"minor": "week"}, "wy"),
)
FISCAL_WORD = r"(?:fy|gj|wj) ?"
FISCAL = rf"(?:{FISCAL_WORD})?{YEAR}[-/](?P<until>\d{{4}}|\d{{2}})"

BASIC = _form(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[t _:-]?(?P<hour>\d{2})"
    r"(?::?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?: ?(?P<zone>z|utc|gmt|[+-]\d{2}(?::?\d{2})?))?",
    "ymd",
)
FORMS = (
    _form(rf"{WEEKDAY}{YEAR}{SEP}{MONTH}(?P=sep){DAY}{MOMENT}", "ymd"),
    BASIC,
    _form(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", "ymd"),
    _form(rf"{YEAR}-(?P<yearday>\d{{3}})", "yj"),
    Form(rf"{YEAR}[-/](?P<minor>\d{{1,2}})", MINOR),
    Form(rf"(?P<minor>\d{{1,2}})[-/.]{YEAR}", MINOR_FIRST),
    _form(rf"{YEAR}[- ]?m{MONTH}", "ym"),
    _form(YEAR, "y"),
    _form(FISCAL, "y"),
    _form(rf"{FISCAL_WORD}{YEAR}", "y"),
    _form(rf"{FISCAL_WORD}{SHORT}", "y"),
    # quarters and halves of years
    _form(rf"(?:fy ?)?{YEAR}[-/ ]*{QUARTER_WORD} ?(?P<quarter>[1-4])", "yq"),
    _form(rf"{QUARTER_WORD} ?(?P<quarter>[1-4])[-/ ]*(?:fy ?)?{YEAR}", "qy"),
    _form(rf"(?:fy ?)?{SHORT}[-/ ]*{QUARTER_WORD} ?(?P<quarter>[1-4])", "yq"),
    _form(rf"{QUARTER_WORD} ?(?P<quarter>[1-4])[-/ ]*(?:fy ?)?{SHORT}", "qy"),
    _form(
        rf"(?P<quarter>[1-4]){ORDINAL} ?{QUARTER_WORD}[-/ ]*{OF} ?{YEAR}",
        "qy",
    ),
    _form(rf"(?P<quarter>[1-4]){ORDINAL} ?{QUARTER_WORD}[-/ ]*{SHORT}", "qy"),
    _form(rf"{YEAR}[-/ ]?[hs](?P<semester>[12])", "ys"),
    _form(rf"[hs](?P<semester>[12])[-/ ]?{YEAR}", "sy"),
    # weeks
    _form(
        rf"{YEAR}[-/ ]*{WEEK_WORD}[ .]*(?P<week>\d{{1,2}})(?:-?(?P<weekday>[1-7]))?",
        "yw",
    ),
    _form(rf"{WEEK_WORD}[ .-]*(?P<week>\d{{1,2}})[-/, ]*{YEAR}", "wy"),
    _form(rf"{WEEK_WORD}[ .]*(?P<week>\d{{1,2}})[-/ ]+{SHORT}", "wy"),
    _form(rf"(?P<week>\d{{1,2}})\.? ?{WEEK_WORD}[-/ ]*{YEAR}", "wy"),
    # day and month as numbers, in an open order
    Form(
        rf"{WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>\.)(?P<b>\d{{1,2}})\.{YEAR}{MOMENT}",
        (USUAL_DMY, MDY),
    ),
    Form(
        rf"{WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>[-/ ])(?P<b>\d{{1,2}})(?P=sep)"
        rf"{YEAR}{MOMENT}",
        (DMY, MDY),
    ),
    Form(
        rf"{WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>\.)(?P<b>\d{{1,2}})\.(?P<c>\d{{2}}){MOMENT}",
        (Reading(SHORT_DMY.parts, "dmy", usual=True), SHORT_MDY, SHORT_YMD),
    ),
    Form(
        rf"{WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>[-/ ])(?P<b>\d{{1,2}})(?P=sep)"
        rf"(?P<c>\d{{2}}){MOMENT}",
        (SHORT_DMY, SHORT_MDY, SHORT_YMD),
    ),
    # names of months
    _form(rf"{NAME}{OF}[-/._ ]*{YEAR}", "my"),
    _form(rf"{YEAR}[-/._ ]*{NAME}", "ym"),
    _form(rf"{NAME}[-/._ ]*'(?P<short>\d{{2}})", "my"),
    Form(rf"{NAME}[-/._ ]*(?P<c>\d{{1,2}})", (Reading({"c": "short"}, "my"),)),
    Form(rf"(?P<c>\d{{1,2}})\.?[-/._ ]*{NAME}", (Reading({"c": "short"}, "ym"),)),
    _form(
        rf"{WEEKDAY}{DAY}{ORDINAL}{OF}[-/._ ]*{NAME}{OF}[-/._ ]*{YEAR}{MOMENT}", "dmy"
    ),
    Form(
        rf"{WEEKDAY}(?P<a>\d{{1,2}}){ORDINAL}[-/._ ]*{NAME}[-/._ ]*'?(?P<c>\d{{2}})"
        rf"{MOMENT}",
        (
            Reading({"a": "day", "c": "short"}, "dmy", usual=True),
            Reading({"a": "short", "c": "day"}, "ymd"),
        ),
    ),
    _form(rf"{WEEKDAY}{NAME}[-/. ]{DAY}{ORDINAL},?[-/ ]{YEAR}{MOMENT}", "mdy"),
    _form(rf"{WEEKDAY}{YEAR}[-/. ]{NAME}[-/. ]{DAY}{MOMENT}", "ymd"),
    _form(
        rf"{WEEKDAY}{NAME} +{DAY} (?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):"
        rf"(?P<second>\d{{2}}) {YEAR}",
        "mdy",
    ),
    _form(
        "(?P<year>\\d{4})\u5e74(?P<month>\\d{1,2})\u6708(?:(?P<day>\\d{1,2})\u65e5)?",
        "ymd",
    ),
)

DIGIT_FORMS = {  # whole numbers, by the count of their digits
    4: _form(YEAR, "y"),
    5: _form(rf"{YEAR}(?P<quarter>[1-4])", "yq"),
    6: Form(rf"{YEAR}(?P<minor>\d{{2}})", MINOR[:2]),
    7: _form(rf"{YEAR}(?P<yearday>\d{{3}})", "yj"),
    8: _form(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", "ymd"),
    **dict.fromkeys((10, 12, 14), BASIC),
}

LOOKS_LIKE_DATE = re.compile(  # digits and marks, or a month and digits
    rf".{{0,14}}?(?:\d{{1,4}}([-/])\d{{1,2}}\1\d{{1,4}}|\d{{1,2}}\.\d{{1,2}}\.\d{{2,4}}"
    rf"|\b{MONTH_PATTERN}\b\.?[-/,. ']*\d|\d[-/. ']*\b{MONTH_PATTERN}\b"
    rf"|\d{{4}}[-/ ]?{WEEK_WORD} ?\d|\d{{4}}[-/ ]?q[1-4])(?:\D.{{0,24}})?"
)
