"""Parsing of timestamps: columns of text, numbers or datetimes to moments.

words     months, weekdays and names of columns in seven languages
formats   forms of dates, and their possible readings
strptime  forms that a user or a model says
assembly  years, months, ... and offsets to moments
evidence  choice among readings by the whole column
text      dates as text
codes     dates as numbers: YYYYMM, epochs, Excel's days
columns   all of these: one column to moments with their zone
parts     several columns, such as a year and a month
"""

from forecasting.timestamps.parsing.columns import (
    ParsedTimes,
    is_date_column,
    is_named_like_date,
    looks_like_date,
    may_be_dates,
    parse_timestamps,
    unreadable_column,
)
from forecasting.timestamps.parsing.parts import parse_time_columns, part_of_column

__all__ = [
    "ParsedTimes",
    "is_date_column",
    "is_named_like_date",
    "looks_like_date",
    "may_be_dates",
    "parse_time_columns",
    "parse_timestamps",
    "part_of_column",
    "unreadable_column",
]
