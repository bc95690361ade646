"""Pauses before a version that could not be loaded is tried again."""

import math

import pytest

from serving.errors import ForeignVersion, VersionUnusable
from serving.registry.load_failures import (
    ForeignModel,
    LoadError,
    LoadFailures,
    load_errors,
)
from serving.registry.snapshot import ModelSnapshot, RegistryChange

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


def snapshot(*versions, champion, created=5):
    """Return the registered models: one, with all versions created at one time."""
    times = dict.fromkeys(versions, created)
    return {"sales": ModelSnapshot({"champion": champion}, versions, 7, times)}


@pytest.mark.parametrize(
    ("after", "remains"),
    [
        (snapshot("3", "2", champion="2"), True),
        (snapshot("2", champion="2"), False),
        (snapshot("3", champion="3", created=6), False),
        ({}, False),
    ],
    ids=["unchanged", "removed", "replaced", "without the model"],
)
def test_a_failure_goes_with_its_version(after, remains):
    failures = LoadFailures(lambda _: None)
    failures.add(SALES, LoadError("it is damaged"))

    before = snapshot("3", "2", champion="3")
    failures.drop_removed(RegistryChange(before, after))

    assert (SALES in failures) == remains


def test_a_removed_version_remains_refused_while_an_alias_points_to_it():
    failures = LoadFailures(lambda _: None)
    dangling = snapshot("2", champion="3")
    failures.add(SALES, LoadError("the registry has it no more"))

    failures.drop_removed(RegistryChange(dangling, dangling))

    assert SALES in failures


def test_any_error_of_a_load_has_a_reason_to_show_and_a_cause_to_log():
    with (
        pytest.raises(LoadError, match=r"^it cannot be loaded$") as refused,
        load_errors("it cannot be loaded"),
    ):
        raise OSError("no space left on http://me:secret@host/disk")

    assert refused.value.cause == "no space left on http://host/disk"


def test_a_reason_that_is_there_already_stays():
    with (
        pytest.raises(ForeignModel, match="it is no model of Recast"),
        load_errors("it cannot be loaded"),
    ):
        raise ForeignModel("it is no model of Recast")
