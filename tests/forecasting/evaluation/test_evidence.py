"""Sentences on the evidence behind a score."""

import math

import pytest

from forecasting.evaluation.evidence import describe_evidence
from forecasting.evaluation.skill import Evidence, Skill


def test_a_test_is_described_by_its_size_and_the_interval_of_the_skill():
    evidence = Evidence(folds=12, origins=36, series=3, skill=Skill(0.5, 0.05, 12))

    assert describe_evidence(evidence) == (
        "12 folds, 36 origins of 3 series; skill +50.0% (95% interval +39% to +61%)"
    )


@pytest.mark.parametrize(
    ("folds", "words"),
    [(1, "1 fold says almost nothing"), (2, "2 folds say almost nothing")],
)
def test_few_folds_say_almost_nothing(folds, words):
    skill = Skill(0.5, math.nan, folds)

    text = describe_evidence(Evidence(folds, folds, 1, skill))

    assert text.endswith(f"of 1 series; {words}; skill +50.0%")


def test_a_skill_that_is_undefined_is_left_out():
    skill = Skill(math.nan, math.nan, 4)

    assert (
        describe_evidence(Evidence(4, 4, 1, skill)) == "4 folds, 4 origins of 1 series"
    )
