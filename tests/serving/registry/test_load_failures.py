"""When a version that could not be loaded is tried again."""

import math

import pytest

from serving.errors import ForeignVersion, VersionUnusable
from serving.registry.load_failures import LoadFailures
from serving.registry.loaded_model import ForeignModel, LoadError

SALES = ("sales", "3")


def test_each_failure_doubles_the_pause_up_to_a_minute():
    failures, pauses = [], []
    refusals = LoadFailures(failures.append)

    for _ in range(8):
        refusals.add(SALES, LoadError("it is damaged"))
        pauses.append(refusals[SALES].pause)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert failures == ["sales"] * 8


def test_a_refused_version_is_told_of_until_it_may_be_tried_again():
    refusals = LoadFailures(lambda _: None)
    refusals.add(SALES, LoadError("it is damaged"))

    with pytest.raises(VersionUnusable, match=r"Version 3 of model 'sales'.*damaged"):
        refusals.check(SALES)
    refusals.retry()

    refusals.check(SALES)
    assert refusals[SALES].reason == "it is damaged"


def test_a_version_that_recast_did_not_make_is_no_failure_and_not_tried_again():
    failures = []
    refusals = LoadFailures(failures.append)

    refusals.add(SALES, ForeignModel("it is no model of Recast"))

    assert refusals.is_foreign(SALES)
    assert refusals[SALES].until == math.inf
    assert not failures
    with pytest.raises(ForeignVersion, match=r"was not made by Recast.*GET /v1/models"):
        refusals.check(SALES)


def test_a_version_that_was_loaded_after_all_is_not_refused():
    refusals = LoadFailures(lambda _: None)
    refusals.add(SALES, LoadError("the registry did not deliver it"))

    refusals.lift(SALES)

    refusals.check(SALES)
    assert not refusals
