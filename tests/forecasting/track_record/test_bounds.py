"""A record is bounded: whole series are left out from the end, and counted."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.track_record.bounds import (
    FIGURE_BYTES,
    HISTORY_BYTES,
    MAX_ROWS,
    count_figures,
    count_histories,
)
from forecasting.track_record.record import PastForecasts


def steps(lengths):
    return Panel.from_values(
        {f"s{number}": np.zeros(length) for number, length in enumerate(lengths)}
    )


def past(tested, folds=1, horizon=1, levels=0):
    shape = tested, folds, horizon
    return PastForecasts(
        series=np.arange(tested),
        ends=np.ones((tested, folds), np.int64),
        points=np.zeros(shape),
        baseline=np.zeros(shape),
        bounds=np.zeros((2 * levels, *shape)),
    )


@pytest.mark.parametrize(
    ("lengths", "stored"),
    [
        ([600_000, 600_000], 2),
        ([600_000, 800_000, 5], 3),
        ([600_000, 900_001, 5], 1),
        ([1_600_000, 5], 0),
    ],
)
def test_a_series_is_stored_completely_or_not_at_all(lengths, stored):
    panel = steps(lengths)

    count = count_histories(panel, past(0))

    assert count == stored
    assert 16 * panel.offsets[count] <= HISTORY_BYTES


def test_past_forecasts_are_bounded_by_their_steps():
    panel, forecasts = steps([400] * 30), past(30, folds=100, horizon=400)

    count = count_histories(panel, forecasts)

    assert count == MAX_ROWS // 40_000


def test_the_bytes_of_intervals_count():
    panel = steps([400] * 20)

    without = count_histories(panel, past(20, folds=100, horizon=400))
    with_levels = count_histories(panel, past(20, folds=100, horizon=400, levels=5))

    assert without == 20
    assert with_levels == HISTORY_BYTES // (8 * (400 * 2 + 40_000 * 12 + 100))


def test_figures_are_stored_for_more_series_than_histories():
    names = tuple(f"shop {number:06d}" for number in range(130_000))

    count = count_figures(names, 2)

    assert count == FIGURE_BYTES // (13 + 8 * 8)
    assert count > 100_000


def test_a_record_of_a_large_panel_says_how_many_series_it_leaves_out(
    panel_of, record_of
):
    panel = panel_of((600_000, 300_000, 300_000), plan=0, freq="h", zone="UTC")

    record = record_of(panel).record

    assert len(record.history) == 1  # each point has four numbers
    assert record.left_out == 2
    assert record.backtest.series.tolist() == [0]
    assert len(record.figures) == 3
    assert np.isfinite(record.figures.mae).all()
    assert record.num_bytes < HISTORY_BYTES + FIGURE_BYTES
