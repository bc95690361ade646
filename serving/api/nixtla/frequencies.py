"""Comparison of frequencies in the notation of pandas, old or new, and of polars."""

import re

from forecasting.errors import SettingError
from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.frequency import parse_frequency
from serving.errors import RequestError

# Aliases of pandas 2 and of polars, by the current alias of pandas.
CURRENT_ALIASES = {
    "H": "h",
    "T": "min",
    "S": "s",
    "L": "ms",
    "U": "us",
    "N": "ns",
    "M": "ME",
    "Q": "QE",
    "A": "YE",
    "Y": "YE",
    "AS": "YS",
    "BM": "BME",
    "BQ": "BQE",
    "BA": "BYE",
    "BY": "BYE",
    "BAS": "BYS",
    "m": "min",
    "d": "D",
    "w": "W",
    "q": "QS",
    "y": "YS",
}


def check_frequency(freq: str, calendar: Calendar) -> None:
    """Refuse series of another frequency than those seen in training.

    Polars has one alias for months; the start of a series tells the day in the month.

    Args:
        freq: frequency in the notation of the client.
        calendar: calendar of the model, with dates.

    Raises:
        RequestError: the frequencies differ; names both.
    """
    assert calendar.freq is not None
    expected = parse_frequency(calendar.freq)
    try:
        frequency = parse_frequency(current_frequency(freq))
    except SettingError:
        frequency = None
    if (
        frequency is None
        or frequency.unit != expected.unit
        or frequency.size != expected.size
    ):
        text = f"the model was trained on {calendar.freq!r}; found {freq!r}"
        raise RequestError([(("body", "freq"), text)])


def current_frequency(freq: str) -> str:
    """Return a frequency in the present notation of pandas.

    >>> current_frequency("15T")
    '15min'
    """
    count, unit, anchor = _split(freq)
    return f"{count}{CURRENT_ALIASES.get(unit, unit)}{anchor}"


def _split(freq: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"(\d{0,9})([A-Za-z]+)((?:-[A-Z]+)?)", freq)
    return (match[1], match[2], match[3]) if match else ("", freq, "")
