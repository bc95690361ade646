import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.panel import Panel
from forecasting.data.splits import (
    automatic_folds,
    last_origins,
    observed_by,
    rolling_origins,
    timestamps_at,
)
from forecasting.errors import SeriesTooShort, SettingError


def panel_of(*lengths):
    return Panel.from_values(
        {f"s{i}": np.arange(1.0, n + 1) for i, n in enumerate(lengths)}
    )


def test_the_last_origins_are_the_ends_of_the_series():
    origins = last_origins(panel_of(4, 7))

    assert len(origins) == 2
    assert origins.series.tolist() == [0, 1]
    assert origins.ends.tolist() == [4, 7]


def test_a_fold_is_one_moment_and_later_ones_count_more():
    panel = panel_of(20, 9)

    folds = rolling_origins(panel, folds=2, horizon=3)

    assert [timestamps_at(panel, fold).tolist() for fold in folds] == [
        [-6, -6],
        [-3, -3],
    ]


def test_folds_are_a_horizon_apart_and_end_with_the_series():
    folds = rolling_origins(panel_of(20, 30), folds=3, horizon=4)

    assert [fold.ends.tolist() for fold in folds] == [[8, 18], [12, 22], [16, 26]]
    assert all(fold.series.tolist() == [0, 1] for fold in folds)


@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 40))
def test_every_fold_forecasts_moments_of_its_own(folds, horizon, spare):
    panel = panel_of(folds * horizon + 1 + spare)

    ends = [
        int(f.ends[0]) for f in rolling_origins(panel, folds=folds, horizon=horizon)
    ]

    tested = [end + step for end in ends for step in range(horizon)]
    assert len(set(tested)) == folds * horizon
    assert max(tested) == panel.lengths[0] - 1
    assert min(ends) >= 1


def test_a_series_with_nothing_before_the_first_fold_is_in_no_fold():
    folds = rolling_origins(panel_of(20, 6, 9), folds=3, horizon=2)

    assert [fold.series.tolist() for fold in folds] == [[0, 2]] * 3
    assert folds[0].ends.tolist() == [14, 3]


def test_folds_without_any_series_name_the_series_that_are_too_short():
    with pytest.raises(
        SeriesTooShort, match=r"'s0' has 5, 's1' has 6; at least 7 points .*3 folds"
    ):
        rolling_origins(panel_of(5, 6), folds=3, horizon=2)


def test_a_fold_shows_a_model_the_observations_before_its_origins():
    panel = panel_of(20, 6, 9)
    fold = rolling_origins(panel, folds=3, horizon=2)[0]

    observed = observed_by(panel, fold)

    assert observed.series_ids == ("s0", "s2")
    assert observed.lengths.tolist() == [14, 3]
    np.testing.assert_array_equal(observed.series("s2"), panel.series("s2")[:3])


def test_more_points_may_be_asked_for_before_the_first_fold():
    folds = rolling_origins(panel_of(13), folds=3, horizon=2, before=7)

    assert folds[0].ends.tolist() == [7]
    with pytest.raises(SeriesTooShort, match="3 folds of horizon 2 and 7 before them"):
        rolling_origins(panel_of(12), folds=3, horizon=2, before=7)


@pytest.mark.parametrize("folds", [0, -1, 1.5, True, "auto"])
def test_folds_that_are_no_whole_number_are_refused(folds):
    with pytest.raises(
        SettingError, match="folds must be a whole number of at least 1"
    ):
        rolling_origins(panel_of(20), folds=folds, horizon=2)


@pytest.mark.parametrize(
    ("lengths", "seq_len", "horizon", "folds"),
    [
        ((100,), 5, 2, 10),  # a fifth of 100 is 20 steps
        ((100, 50), 5, 2, 5),  # the shortest series counts
        ((12,), 5, 3, 1),  # at least one
        ((54,), 52, 1, 1),  # a window of 53 stays before the only fold
        ((100_000,), 5, 1, 500),  # at most 500
        ((5000,) * 20, 5, 100, 10),
    ],
)
def test_automatic_folds_test_the_latest_fifth(lengths, seq_len, horizon, folds):
    assert (
        automatic_folds(panel_of(*lengths), seq_len=seq_len, horizon=horizon) == folds
    )


def test_automatic_folds_make_a_million_forecasts_at_most():
    panel = panel_of(*[1000] * 100)

    assert automatic_folds(panel, seq_len=5, horizon=1) == 200
    assert automatic_folds(panel_of(*[100] * 2000), seq_len=5, horizon=40) == 1


@given(st.integers(1, 30), st.integers(1, 10), st.integers(0, 200))
def test_automatic_folds_leave_a_window_to_train_on(seq_len, horizon, spare):
    panel = panel_of(seq_len + 2 * horizon + spare)

    folds = automatic_folds(panel, seq_len=seq_len, horizon=horizon)

    before = panel.lengths[0] - folds * horizon
    assert folds >= 1
    assert before >= seq_len + horizon


def test_automatic_folds_name_the_series_that_are_too_short():
    with pytest.raises(SeriesTooShort, match=r"'s0' has 8; at least 9 points"):
        automatic_folds(panel_of(8), seq_len=5, horizon=2)


def test_automatic_folds_do_not_count_the_series_that_are_too_short():
    assert automatic_folds(panel_of(8, 50), seq_len=5, horizon=2) == 5
