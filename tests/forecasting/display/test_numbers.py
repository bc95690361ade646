"""Numbers on the terminal and in files: digits, thousands, no powers of ten."""

import math

import pytest

from forecasting.display.numbers import count_decimals, readable, round_significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123280.4, "123,280"),
        (1234.56, "1,235"),
        (999.96, "1000"),
        (21.4444, "21.44"),
        (0.512345, "0.5123"),
        (-98765.4, "-98,765"),
        (0.0, "0"),
        (2e20, "2e+20"),
        (math.nan, "-"),
        (math.inf, "inf"),
    ],
)
def test_a_number_is_readable(value, text):
    assert readable(value) == text


def test_the_largest_value_of_a_series_sets_the_decimals_of_all():
    assert count_decimals([41.6, 9.2, 0.001]) == 3
    assert count_decimals([123280.0, 1.5]) == 0
    assert count_decimals([0.00123]) == 7
    assert count_decimals([math.nan, -4.0]) == 4
    assert count_decimals([]) == 4
    assert count_decimals([1e-30]) == 10


@pytest.mark.parametrize("value", [0.1234567, 41.62391, -1234567.8, 1e-12 / 3, 0.0])
def test_a_rounded_number_is_off_by_less_than_a_millionth(value):
    assert round_significant(value) == pytest.approx(value, rel=5e-6)
    assert len(f"{round_significant(value):g}") <= 12
