"""Lookback and horizon by frequency, season and length."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.io import read_frame
from forecasting.selection.windows import MIN_LOOKBACK, choose_windows


def dated(freq, length=900):
    stamps = pd.date_range("2000-01-03", periods=length, freq=freq)
    return read_frame(pd.DataFrame({"t": stamps, "y": np.arange(length) % 5}))


def lengths(panel, **given):
    season = panel.calendar.season_length
    chosen = choose_windows(panel, season_length=season, **given)
    return chosen.seq_len, chosen.horizon


@pytest.mark.parametrize(
    ("freq", "expected"),
    [
        ("YS", (12, 6)),
        ("QS", (16, 8)),
        ("MS", (24, 18)),
        ("ME", (24, 18)),
        ("W-SUN", (52, 13)),
        ("D", (28, 14)),
        ("B", (20, 10)),
        ("h", (48, 48)),
        ("6h", (8, 8)),
        ("15min", (96, 48)),
        ("7min", (48, 48)),
    ],
)
def test_long_series_take_the_lengths_of_their_frequency(freq, expected):
    length = 250 if freq == "YS" else 900

    assert lengths(dated(freq, length)) == expected


@pytest.mark.parametrize(
    ("freq", "length", "expected"),
    [("MS", 60, (12, 6)), ("MS", 120, (24, 12)), ("D", 40, (7, 4)), ("D", 15, (5, 1))],
)
def test_short_series_take_whole_seasons_where_one_fits(freq, length, expected):
    assert lengths(dated(freq, length)) == expected


@pytest.mark.parametrize("freq", ["YS", "MS", "W-SUN", "D", "h"])
@pytest.mark.parametrize("length", range(MIN_LOOKBACK + 2, 60))
def test_a_window_and_a_test_fit_into_every_series_of_seven(freq, length):
    seq_len, horizon = lengths(dated(freq, length))

    assert seq_len >= MIN_LOOKBACK
    assert seq_len + 2 * horizon <= length


def test_undated_steps_have_a_season_only_if_the_user_sets_one():
    panel = Panel.from_values({"a": [0.0] * 200})

    assert lengths(panel) == (12, 6)
    chosen = choose_windows(panel, season_length=8)
    assert (chosen.seq_len, chosen.horizon) == (16, 8)


def test_the_length_of_a_user_stays_and_the_other_one_fits():
    panel = dated("D", 60)

    assert lengths(panel, horizon=7) == (14, 7)
    assert lengths(panel, seq_len=45) == (45, 5)
    assert lengths(panel, horizon=20) == (MIN_LOOKBACK, 20)


@pytest.mark.parametrize("folds", [3, 10, 40])
def test_the_cutoffs_that_a_user_sets_fit(folds):
    seq_len, horizon = lengths(dated("D", 100), folds=folds)

    assert seq_len + horizon + folds * horizon <= 100


def test_a_few_short_series_do_not_shorten_the_windows_of_many():
    series = {str(number): [0.0] * 300 for number in range(19)}

    assert lengths(Panel.from_values(series | {"short": [0.0] * 9})) == (12, 6)


def test_one_line_says_lengths_reason_and_options():
    chosen = choose_windows(dated("D", 60), season_length=7, horizon=3)

    assert chosen.describe(["seq_len"]) == (
        "windows: 14 in (frequency D, season 7, shortened for 60 observations; "
        "others by --seq-len)"
    )
