"""Pauses before a version that could not be loaded is tried again."""

import math

import pytest

from serving.errors import ForeignVersion, VersionUnusable
from serving.registry.load_failures import LoadFailures
from serving.registry.loaded_model import ForeignModel, LoadError

SALES = ("sales", "3")


def test_each_failure_doubles_the_pause_up_to_a_minute():
    counted, pauses = [], []
    failures = LoadFailures(counted.append)

    for _ in range(8):
        failures.add(SALES, LoadError("it is damaged"))
        pauses.append(failures[SALES].pause)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert counted == ["sales"] * 8


def test_a_refused_version_is_reported_until_it_may_be_tried_again():
    failures = LoadFailures(lambda _: None)
    failures.add(SALES, LoadError("it is damaged"))

    with pytest.raises(VersionUnusable, match=r"Version 3 of model 'sales'.*damaged"):
        failures.check(SALES)
    failures.retry()

    failures.check(SALES)
    assert failures[SALES].reason == "it is damaged"


def test_a_version_that_recast_did_not_make_is_no_failure_and_not_tried_again():
    counted = []
    failures = LoadFailures(counted.append)

    failures.add(SALES, ForeignModel("it is no model of Recast"))

    assert failures.is_foreign(SALES)
    assert failures[SALES].retry_at == math.inf
    assert not counted
    with pytest.raises(ForeignVersion, match=r"was not made by Recast.*GET /v1/models"):
        failures.check(SALES)


def test_a_version_that_was_loaded_after_all_is_not_refused():
    failures = LoadFailures(lambda _: None)
    failures.add(SALES, LoadError("the registry did not deliver it"))

    failures.discard(SALES)

    failures.check(SALES)
    assert not failures
