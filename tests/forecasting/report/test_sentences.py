"""The main figures in words: right numbers, right nouns, and no praise unearned."""

from dataclasses import replace

import pytest

from forecasting.report.sentences import (
    describe_answers,
    describe_coverage,
    describe_error,
    describe_limits,
    describe_test,
    name_baseline,
    name_step,
)


def with_errors(evaluation, served, simple):
    leaderboard = {"gru": {"mae": served}, "seasonal_naive": {"mae": simple}}
    return replace(evaluation, leaderboard=leaderboard)


@pytest.mark.parametrize(
    ("served", "simple", "sentence"),
    [
        (11.24, 34.7, "off by 11.2 a day; the same day last week is off by 34.7: 68 %"),
        (34.7, 34.7, "is off by 34.7: about the same."),
        (40.0, 32.0, "is off by 32: 25 % more."),
        (0.0, 0.0, "is off by 0: no share of it can be given."),
        (float("nan"), 3.0, "Typically off by - a day"),
        (12345.6, 98765.4, "off by 12,346 a day; the same day last week is off by"),
    ],
)
def test_the_typical_error_stands_beside_the_best_simple_one(
    model, served, simple, sentence
):
    evaluation = with_errors(model.record.evaluation, served, simple)

    assert sentence in describe_error(evaluation, "D")


@pytest.mark.parametrize(
    ("freq", "season", "step", "naive"),
    [
        ("D", 7, "day", "the same day last week"),
        ("B", 5, "day", "the same day last week"),
        ("h", 24, "hour", "the same hour a day before"),
        ("MS", 12, "month", "the same month last year"),
        ("QE", 4, "quarter", "the same quarter last year"),
        ("YE", 3, "year", "the value 3 years before"),
        ("15min", 96, "step", "the value 96 steps before"),
        (None, 5, "step", "the value 5 steps before"),
    ],
)
def test_steps_and_seasons_are_named_by_the_frequency(freq, season, step, naive):
    assert name_step(freq) == step
    assert name_baseline("seasonal_naive", freq, season) == naive
    assert name_baseline("last_value", freq, season) == "the last value"


def test_few_cutoffs_are_called_so(model):
    evaluation = model.record.evaluation

    assert "almost nothing" not in describe_test(evaluation, "D", 3)
    few = describe_test(replace(evaluation, folds=2), "D", 3)
    assert few.endswith("2 cutoffs say almost nothing: test on more.")
    assert "1 cutoff says" in describe_test(replace(evaluation, folds=1), "D", 3)


def test_coverage_is_counted_in_hundred(model):
    evaluation = model.record.evaluation
    scores = {**evaluation.leaderboard, "gru": {"coverage_80": 0.777}}
    evaluation = replace(evaluation, leaderboard=scores)

    assert describe_coverage(evaluation, 80.0) == "78 of 100 inside 80 %"
    assert describe_coverage(evaluation, 95.0) == "not measured for 95 %"


def test_the_methods_that_answer_are_named_in_words(model):
    evaluation = replace(
        model.record.evaluation, methods={"halfway": 2, "seasonal_naive": 1}
    )

    assert describe_answers(evaluation, "D") == (
        "Forecasts by the mean of network and simple model for 2 of 3 series, the same "
        "day last week for 1 of 3 series."
    )


def test_a_model_no_better_than_a_simple_forecast_is_not_good_for_use(model):
    trained, record = model.forecaster.trained, model.record
    worse = replace(record, evaluation=with_errors(record.evaluation, 5.0, 4.0))
    better = replace(record, evaluation=with_errors(record.evaluation, 3.0, 4.0))
    undefined = replace(
        record, evaluation=with_errors(record.evaluation, float("nan"), 4.0)
    )

    sentence = "the same day last week had no larger error in the backtest"
    assert any(sentence in limit for limit in describe_limits(trained, worse, "D"))
    assert any(sentence in limit for limit in describe_limits(trained, undefined, "D"))
    assert not any(sentence in limit for limit in describe_limits(trained, better, "D"))
