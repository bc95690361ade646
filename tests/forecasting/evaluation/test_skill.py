"""Skill with its standard error: equal to the leaderboard, and to a test by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from forecasting.data.panel import Panel
from forecasting.data.splits import rolling_origins
from forecasting.evaluation.backtest import METRICS, forecast_table
from forecasting.evaluation.scores import score
from forecasting.evaluation.skill import (
    PairedErrors,
    Skill,
    skill_intervals,
    standard_error,
)


def backtest_of(noises, *, folds=4, length=60, zeros=False):
    """Return a panel, its folds, and a table of forecasts with noise, by model."""
    random = np.random.default_rng(0)
    values = {name: 5 + random.normal(size=length).cumsum() for name in "ab"}
    if zeros:
        values["a"][-2] = 0
    panel = Panel.from_values(values)
    origins = rolling_origins(panel, folds=folds, horizon=2)
    tables = []
    for model, noise in noises.items():
        for fold in origins:
            table = forecast_table(panel, fold, np.zeros((2, 2)), {})
            table["point"] = table["actual"] + random.normal(0, noise, len(table))
            tables.append(table.assign(model=model))
    return panel, origins, pd.concat(tables, ignore_index=True)


def errors_of(noises, metric="mase", **options):
    panel, folds, table = backtest_of(noises, **options)
    return PairedErrors.of(table, panel, folds, season_length=1, metric=metric)


@pytest.mark.parametrize("metric", METRICS)
def test_the_errors_and_skills_are_those_of_the_leaderboard(metric):
    panel, folds, table = backtest_of({"last_value": 2.0, "some": 1.0}, zeros=True)
    scores = score(table, panel, folds, season_length=1, metric=metric)

    errors = PairedErrors.of(table, panel, folds, season_length=1, metric=metric)

    assert errors.errors["some"] == pytest.approx(scores.loc["some", metric])
    skill = errors.skill("some").value
    assert skill == pytest.approx(scores.loc["some", "skill"])


def test_for_three_cutoffs_the_error_of_a_difference_is_that_of_the_t_test():
    differences = np.array([1.0, 2.0, 6.0])

    expected = stats.sem(differences)

    assert standard_error(differences) == pytest.approx(expected)


def test_errors_that_follow_each_other_count_for_less():
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=20), 5)

    assert standard_error(values) > 1.3 * standard_error(random.permutation(values))


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_the_error_of_a_skill_is_its_spread_over_repeated_samples(metric):
    random, skills, deviations = np.random.default_rng(1), [], []
    panel = Panel.from_values({"a": np.zeros(62)})
    folds = rolling_origins(panel, folds=30, horizon=2)
    table = pd.concat([forecast_table(panel, f, np.ones((1, 2)), {}) for f in folds])
    for _ in range(300):
        pair = [
            table.assign(model=name, point=random.normal(0, size, len(table)))
            for name, size in (("last_value", 2.0), ("some", 1.5))
        ]
        errors = PairedErrors.of(
            pd.concat(pair), panel, folds, season_length=1, metric=metric
        )
        skill = errors.skill("some")
        skills.append(skill.value)
        deviations.append(skill.error)

    assert np.mean(deviations) == pytest.approx(np.std(skills), rel=0.15)


def test_a_clear_gain_is_above_one_standard_error_and_more_for_few_cutoffs():
    assert Skill(0.11, 0.1, 1000).is_clear
    assert not Skill(0.09, 0.1, 1000).is_clear
    assert not Skill(0.11, 0.1, 3).is_clear
    assert Skill(0.14, 0.1, 3).is_clear


def test_an_interval_is_that_of_student_and_ends_at_one():
    lower, upper = Skill(0.5, 0.1, 5).interval(95)

    assert lower == pytest.approx(0.5 - stats.t.ppf(0.975, 4) * 0.1)
    assert upper == pytest.approx(0.5 + stats.t.ppf(0.975, 4) * 0.1)
    assert Skill(0.9, 0.1, 5).interval(95)[1] == 1


def test_two_cutoffs_have_no_interval_and_are_never_clear():
    skill = errors_of({"last_value": 2.0, "some": 0.1}, folds=2).skill("some")

    assert skill.value > 0
    assert math.isnan(skill.error)
    assert all(map(math.isnan, skill.interval()))
    assert not skill.is_clear


def test_equal_forecasts_are_no_gain():
    panel, folds, table = backtest_of({"last_value": 2.0})
    table = pd.concat([table, table.assign(model="same")], ignore_index=True)

    errors = PairedErrors.of(table, panel, folds, season_length=1)

    assert not errors.skill("same").is_clear


def test_a_rival_without_error_cannot_be_beaten():
    errors = errors_of({"last_value": 0.0, "some": 1.0})

    assert math.isnan(errors.skill("some").value)
    assert not errors.skill("some").is_clear


def test_constant_series_are_measured_by_the_absolute_error():
    panel = Panel.from_values({"a": np.ones(20)})
    folds = rolling_origins(panel, folds=3, horizon=2)
    table = pd.concat([forecast_table(panel, f, np.zeros((1, 2)), {}) for f in folds])

    errors = PairedErrors.of(table.assign(model="m"), panel, folds, season_length=1)

    assert (errors.metric, errors.errors) == ("mae", {"m": 1.0})


def test_the_intervals_of_a_table_hold_the_skills():
    errors = errors_of({"last_value": 2.0, "some": 1.0, "other": 3.0}, folds=8)

    intervals = skill_intervals(errors)

    assert list(intervals.index) == ["last_value", "some", "other"]
    for model, (lower, upper) in intervals.iterrows():
        assert lower <= errors.skill(str(model)).value <= upper
    assert intervals.loc["last_value"].tolist() == pytest.approx([0, 0])
