"""Policies for missing values; only interpolation may read later values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.errors import IrregularTimestamps, MissingValues
from forecasting.io.missing import fill_text, fill_values, insert_gaps
from forecasting.timestamps.calendar import STEPS, Calendar

NAN = np.nan
TWO_SERIES = np.array([0, 4, 8])


def fill(values, missing, offsets=TWO_SERIES):
    return fill_values("y", np.array(values), offsets, ("a", "b"), missing).tolist()


def test_interpolation_draws_a_line_and_repeats_the_ends():
    filled = fill([1, NAN, NAN, 4, NAN, 5, NAN, NAN], "interpolate")

    assert filled == [1, 2, 3, 4, 5, 5, 5, 5]


def test_forward_repeats_the_value_before():
    assert fill([1, NAN, NAN, 4, 7, NAN, 8, NAN], "forward") == [1, 1, 1, 4, 7, 7, 8, 8]


def test_mean_is_that_of_the_observed_values_before():
    filled = fill([1, 3, NAN, NAN, 10, NAN, 20, NAN], "mean")

    assert filled == [1, 3, 2, 2, 10, 10, 20, 15]


@given(
    st.sampled_from(["forward", "mean"]),
    st.lists(st.sampled_from([1.0, 2.5, NAN]), min_size=1, max_size=20),
    st.integers(0, 20),
)
def test_filling_never_looks_ahead(missing, values, cut):
    full = np.array([3.0, *values])
    part = full[: cut + 1]

    filled = fill(full, missing, np.array([0, len(full)]))
    filled_part = fill(part, missing, np.array([0, len(part)]))

    assert filled[: len(part)] == filled_part


@pytest.mark.parametrize("missing", ["forward", "mean"])
def test_a_series_that_begins_without_a_value_is_refused(missing):
    with pytest.raises(
        MissingValues,
        match=r"'y': 1 missing value at the start of series 'b'.*give one",
    ):
        fill([1, NAN, 1, 1, NAN, 1, 1, 1], missing)


def test_a_series_without_any_value_cannot_be_interpolated():
    with pytest.raises(MissingValues, match=r"4 missing values.*series 'a'"):
        fill([NAN, NAN, NAN, NAN, 1, 1, 1, 1], "interpolate")


def test_text_repeats_the_text_before():
    text = np.array(["dry", None, "wet", None, "hot", "hot", None, None], dtype=object)

    filled = fill_text("sky", text, TWO_SERIES, ("a", "b")).tolist()

    assert filled == ["dry", "dry", "wet", "wet", "hot", "hot", "hot", "hot"]


def test_text_that_begins_without_any_is_refused():
    text = np.array(
        [None, "dry", "wet", "wet", "hot", "hot", "hot", "hot"], dtype=object
    )

    with pytest.raises(MissingValues, match="the start of series 'a'"):
        fill_text("sky", text, TWO_SERIES, ("a", "b"))


def test_missing_moments_are_put_in_at_their_place():
    steps = np.array([1, 2, 5, 7, 9])

    filled, offsets, places = insert_gaps(STEPS, steps, np.array([0, 3, 5]))

    assert filled.tolist() == [1, 2, 3, 4, 5, 7, 8, 9]
    assert offsets.tolist() == [0, 5, 8]
    assert places.tolist() == [0, 1, 4, 5, 7]


def test_one_mistyped_year_does_not_fill_the_memory():
    moments = np.array(["2020-01-01T00", "2020-01-01T01", "2200-01-01T02"], "M8[ns]")

    with pytest.raises(
        IrregularTimestamps, match=r"1577\d+ moments are missing and 3 are"
    ):
        insert_gaps(Calendar("h"), moments, np.array([0, 3]))
