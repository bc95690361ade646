"""The tree of errors in the module's docstring, and complete messages."""

import inspect
import re

import pytest

from forecasting import errors
from forecasting.errors import (
    AmbiguousColumns,
    DataError,
    ForecastingError,
    MissingColumns,
    MissingValues,
    SeriesTooShort,
    SettingError,
    ShapeError,
    UnknownSeries,
    join_shown,
)


def drawn_tree():
    """Parse class -> parent from the tree in the module's docstring."""
    parents, path = {}, {}
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│ ├└─]*)([A-Z]\w+) {2,}\S", line)
        if match:
            depth = len(match[1]) // 4
            path[depth] = match[2]
            parents[match[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_docstring_draws_every_class_under_its_base():
    classes = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }

    assert drawn_tree() == classes


def test_data_and_setting_errors_are_value_errors():
    assert issubclass(DataError, ValueError)
    assert issubclass(SettingError, ValueError)


def test_five_are_named_and_the_rest_are_counted():
    assert join_shown("abc") == "a, b, c"
    assert join_shown("abcde") == "a, b, c, d, e"
    assert join_shown("abcdefg") == "a, b, c, d, e, ... (7 in all)"
    assert join_shown("ab", total=9) == "a, b, ... (9 in all)"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            MissingColumns(["y"], ["date", "Y"]),
            r"no column 'y': the columns are 'date', 'Y'\. Name one",
        ),
        (
            AmbiguousColumns("target", ["a", "b"], ["t", "a", "b"], "--target COL"),
            r"which column is the target\? 2 columns.*'a', 'b'.*Say it with --target",
        ),
        (
            AmbiguousColumns("target", [], ["t"], "--target COL"),
            r"no column could be it \(there are 't'\)",
        ),
        (MissingValues("y", ["line 3"], 1), "1 missing value at line 3.*interpolate"),
        (
            SeriesTooShort([("a", 3)], 7, "seq_len 5 + horizon 2"),
            r"'a' has 3; at least 7 points are needed \(seq_len 5 \+ horizon 2\)",
        ),
        (UnknownSeries(["c"], ["a", "b"]), "unknown series 'c'; known are 'a', 'b'"),
        (SettingError("stride", 0, "at least 1"), "stride must be at least 1; found 0"),
        (
            ShapeError("values", (2, 3), (2, "horizon")),
            r"values must have the shape \(2, horizon\); found \(2, 3\)",
        ),
    ],
)
def test_a_message_says_what_was_expected_what_was_found_and_what_to_do(error, message):
    with pytest.raises(ForecastingError, match=message):
        raise error
