"""Panels: checks on construction, and cuts that hold nothing of the future."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.panel import Panel, series_blocks
from forecasting.errors import (
    DataError,
    DuplicateTimestamps,
    InvalidTimestamps,
    InvalidValues,
    IrregularTimestamps,
    UnknownSeries,
)
from forecasting.timestamps.calendar import STEPS, Calendar

DAYS = ["2024-01-30", "2024-01-31", "2024-02-01"]


def test_series_lie_one_after_another():
    panel = Panel.from_values({"a": [1, 2, 3], "b": [4, 5]}, target="sales")

    assert len(panel) == 2
    assert panel.series_ids == ("a", "b")
    assert panel.values.tolist() == [1, 2, 3, 4, 5]
    assert panel.offsets.tolist() == [0, 3, 5]
    assert panel.lengths.tolist() == [3, 2]
    assert panel.target == "sales"


def test_without_timestamps_each_series_counts_its_steps_from_one():
    panel = Panel.from_values({"a": [1, 2, 3], "b": [4, 5]})

    assert panel.calendar == STEPS
    assert panel.timestamps.tolist() == [1, 2, 3, 1, 2]
    assert panel.last_timestamps().tolist() == [3, 2]


@pytest.mark.parametrize(
    "stamps",
    [
        DAYS,
        np.array(DAYS, dtype="datetime64[D]"),
        pd.date_range(DAYS[0], periods=3, tz="UTC"),
        [f"{day}T00:00:00Z" for day in DAYS],
    ],
)
def test_timestamps_may_be_text_or_dates(stamps):
    panel = Panel.from_values({"a": [1, 2, 3]}, timestamps={"a": stamps})

    assert replace(panel.calendar, zone=None) == Calendar("D")
    assert panel.timestamps.dtype == "datetime64[ns]"
    assert panel.timestamps.astype("datetime64[D]").astype(str).tolist() == DAYS


def test_integer_timestamps_stay_integers():
    panel = Panel.from_values({"a": [1, 2]}, timestamps={"a": [1999, 2000]})

    assert panel.timestamps.tolist() == [1999, 2000]
    assert panel.calendar == STEPS


def test_a_frequency_may_be_given():
    panel = Panel.from_values({"a": [1]}, timestamps={"a": DAYS[:1]}, freq="h")

    assert panel.calendar == Calendar("h")


def test_a_series_is_a_view_of_the_values():
    panel = Panel.from_values({"a": [1, 2, 3], "b": [4, 5]})

    assert panel.series("b").tolist() == [4, 5]
    assert np.shares_memory(panel.series("b"), panel.values)


def test_an_unknown_series_is_named():
    panel = Panel.from_values({"a": [1], "b": [2]})

    with pytest.raises(UnknownSeries, match="'c'; known are 'a', 'b'"):
        panel.series("c")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.data())
def test_a_cut_keeps_the_first_observations_of_each_series_only(lengths, data):
    values = {str(i): np.arange(n) + 100.0 * i for i, n in enumerate(lengths)}
    ends = np.array([data.draw(st.integers(1, n)) for n in lengths])

    part = Panel.from_values(values).until(ends)

    assert part.lengths.tolist() == ends.tolist()
    for (name, full), end in zip(values.items(), ends, strict=True):
        assert part.series(name).tolist() == full[:end].tolist()
    assert part.last_timestamps().tolist() == ends.tolist()
    assert part.values.base is None


def test_a_cut_takes_the_covariates_along():
    full = Panel(
        series_ids=("a",),
        values=np.array([1.0, 2.0, 3.0]),
        offsets=np.array([0, 3]),
        timestamps=np.array([1, 2, 3]),
        covariates={"sky": np.array(["dry", "wet", "hot"], dtype=object)},
    )

    part = full.until(np.array([2]))

    assert part.covariates["sky"].tolist() == ["dry", "wet"]


def test_no_series_are_refused():
    with pytest.raises(DataError, match="no series were given; give at least one"):
        Panel.from_values({})


@pytest.mark.parametrize("values", [[], [[1, 2], [3, 4]], 5.0])
def test_an_empty_series_or_another_shape_is_refused(values):
    with pytest.raises(
        DataError, match="series 'a' must be a list of at least one number"
    ):
        Panel.from_values({"a": values})


@pytest.mark.parametrize("values", [["one"], [[1], [2, 3]], [{}]])
def test_what_is_no_list_of_numbers_is_refused(values):
    with pytest.raises(DataError, match="series 'a' must be a list of numbers; found"):
        Panel.from_values({"a": values})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, None])
def test_missing_and_infinite_values_are_refused_with_their_place(bad):
    with pytest.raises(InvalidValues, match="'a': NaN or infinity at position 1"):
        Panel.from_values({"a": [1.0, bad, 3.0]})


def test_as_many_timestamps_as_values_are_needed():
    with pytest.raises(DataError, match="series 'b' has 2 values and 0 timestamps"):
        Panel.from_values({"a": [1], "b": [1, 2]}, timestamps={"a": DAYS[:1]})


def test_unreadable_timestamps_are_named():
    with pytest.raises(InvalidTimestamps, match=r"'soon' at place 3 \(series 'b'\)"):
        Panel.from_values(
            {"a": [1], "b": [1, 2]},
            timestamps={"a": DAYS[:1], "b": [DAYS[0], "soon"]},
        )


def test_duplicate_timestamps_are_refused():
    with pytest.raises(DuplicateTimestamps, match="2024-01-30 in series 'a'"):
        Panel.from_values({"a": [1, 2]}, timestamps={"a": [DAYS[0], DAYS[0]]})


def test_gaps_are_refused():
    stamps = [*DAYS, "2024-02-04", "2024-02-05"]

    with pytest.raises(IrregularTimestamps, match=r"2 moments are missing.*2024-02-02"):
        Panel.from_values({"a": [1, 2, 3, 4, 5]}, timestamps={"a": stamps})


@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=30),
    points=st.integers(1, 100),
)
def test_blocks_hold_every_series_once_and_few_points(lengths, points):
    offsets = np.concatenate([[0], np.cumsum(lengths)])

    blocks = list(series_blocks(offsets, points))

    assert [n for block in blocks for n in range(block.start, block.stop)] == list(
        range(len(lengths))
    )
    for block in blocks:
        size = offsets[block.stop] - offsets[block.start]
        assert size <= points or block.stop - block.start == 1
