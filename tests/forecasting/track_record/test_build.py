"""A record holds the forecasts of the backtest, and the history that they belong to."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.evaluation.scores import score_by_series
from forecasting.track_record.worst import find_worst_moments

CUTOFFS_OF_FOLDS = [28, 31, 34, 37]  # 40 observations, four folds of three steps


def test_the_rows_of_the_record_are_those_of_the_backtest(built):
    record, table = built.record, built.table
    served = table[table["model"] == "seasonal_naive"].sort_values(
        ["series_id", "fold", "step"], kind="stable"
    )

    past = record.backtest

    assert past.series.tolist() == [0, 1]  # the third is too short for the folds
    assert past.points.ravel().tolist() == served["point"].tolist()
    assert record.actual.ravel().tolist() == served["actual"].tolist()
    names = ["lower_80", "lower_95", "upper_80", "upper_95"]
    for place, name in enumerate(names):
        np.testing.assert_array_equal(past.bounds[place].ravel(), served[name])
    stamps = record.history.timestamps[past.places(record.history)].ravel()
    assert (stamps == served["timestamp"].to_numpy()).all()
    assert past.ends[0].tolist() == CUTOFFS_OF_FOLDS


def test_the_figures_of_a_series_are_those_of_its_scores(built):
    figures = built.record.figures
    errors = score_by_series(built.table, built.panel, built.folds, season_length=7)
    served = built.table[built.table["model"] == "seasonal_naive"]
    first = served[served["series_id"] == "shop 0"]

    for place, name in enumerate(["shop 0", "shop 1"]):
        expected = errors.loc["seasonal_naive", name]["mae"]
        assert figures.mae[place] == pytest.approx(expected)
        expected = errors.loc["last_value", name]["mae"]
        assert figures.baseline_mae[place] == pytest.approx(expected)
    inside = first["actual"].between(first["lower_80"], first["upper_80"])
    assert figures.coverage[0, 0] == pytest.approx(inside.mean())
    assert np.isnan(figures.mae[2])
    assert figures.methods == ("seasonal_naive", "seasonal_naive", "")
    assert figures.observations.tolist() == [40, 45, 8]


def test_a_changed_value_behind_a_cutoff_changes_the_error_and_not_the_forecast(
    panel_of, record_of
):
    clean = panel_of()
    values = clean.values.copy()
    values[clean.offsets[1] - 1] += 100  # the last value of the first series
    poisoned = replace(clean, values=values)

    before, after = record_of(clean).record, record_of(poisoned).record

    np.testing.assert_array_equal(before.backtest.points, after.backtest.points)
    changed = before.actual != after.actual
    assert np.argwhere(changed).tolist() == [[0, 3, 2]]  # last fold, last step
    assert after.figures.mae[0] > before.figures.mae[0] + 5
    assert after.figures.mae[1] == before.figures.mae[1]
    [worst] = find_worst_moments(after, 1)
    assert (worst.series, worst.fold, worst.step) == (0, 3, 2)
    assert worst.actual == values[clean.offsets[1] - 1]


def test_the_history_has_the_known_covariates_and_their_plan_alone(built):
    history, panel = built.record.history, built.panel

    assert list(history.covariates) == ["promo", "kind"]
    np.testing.assert_array_equal(history.values, panel.values)
    np.testing.assert_array_equal(history.timestamps, panel.timestamps)
    assert history.future["promo"].lengths.tolist() == [2, 2, 2]
    assert history.future["kind"].values.tolist() == (
        panel.future["kind"].values.tolist()
    )
