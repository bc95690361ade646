"""Frequencies as clients spell them: pandas of any age, or polars."""

import re

from forecasting.errors import SettingError
from forecasting.timestamps.calendar import Calendar
from forecasting.timestamps.frequency import parse_frequency
from serving.errors import RequestError

# What pandas 2 still took, and what polars writes, as pandas writes it now.
TODAY = {
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

    Polars has one word for months: where in them the series lie, their start says.

    Args:
        freq: as the client spells it.
        calendar: of the model, dated.

    Raises:
        RequestError: names both.
    """
    assert calendar.freq is not None
    wanted = parse_frequency(calendar.freq)
    count, unit, anchor = _take_apart(freq)
    try:
        found = parse_frequency(f"{count}{TODAY.get(unit, unit)}{anchor}")
    except SettingError:
        found = None
    if found is None or (found.unit, found.size) != (wanted.unit, wanted.size):
        text = f"the model was trained on {calendar.freq!r}; found {freq!r}"
        raise RequestError([(("body", "freq"), text)])


def _take_apart(freq: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"(\d{0,9})([A-Za-z]+)((?:-[A-Z]+)?)", freq)
    return (match[1], match[2], match[3]) if match else ("", freq, "")
