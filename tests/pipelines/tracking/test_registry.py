"""Versions and aliases, in a real registry."""

import sqlite3

import mlflow
import pytest

from model_registry.addresses import without_password
from model_registry.errors import UnknownModel
from pipelines.tracking.registry import find_version, list_versions, promote, rollback


@pytest.fixture
def registered(workplace):
    """Register a model named rain with four versions and no alias."""
    client = mlflow.MlflowClient()
    client.create_registered_model("rain")
    for _ in range(4):
        client.create_model_version("rain", f"{workplace}/nowhere")
    return client


def champion(client, name="rain"):
    return str(client.get_model_version_by_alias(name, "champion").version)


def test_an_alias_goes_back_step_by_step(registered):
    for version in ("1", "2", "3"):
        promote("rain", version)

    assert rollback("rain") == champion(registered) == "2"
    assert rollback("rain") == champion(registered) == "1"
    with pytest.raises(UnknownModel, match=r"rain@champion: there is no version to go"):
        rollback("rain")
    assert champion(registered) == "1"


def test_what_was_rolled_back_can_be_promoted_again(registered):
    promote("rain", "1")
    promote("rain", "2")
    rollback("rain")

    promote("rain", "2")

    assert rollback("rain") == "1"


def test_promoting_the_same_version_twice_is_one_step(registered):
    promote("rain", "1")
    promote("rain", "2")
    promote("rain", "2")

    assert rollback("rain") == "1"


def test_an_alias_that_somebody_else_moved_is_respected(registered):
    promote("rain", "1")
    registered.set_registered_model_alias("rain", "champion", "3")

    promote("rain", "4")

    assert rollback("rain") == "3"
    assert rollback("rain") == "1"


def test_a_rollback_starts_from_where_somebody_else_moved_the_alias(registered):
    promote("rain", "1")
    promote("rain", "2")
    registered.set_registered_model_alias("rain", "champion", "4")

    assert rollback("rain") == "2"


def test_a_rollback_leaves_out_versions_that_are_gone(registered):
    for version in ("1", "2", "3"):
        promote("rain", version)
    registered.delete_model_version("rain", "2")

    assert rollback("rain") == "1"


def test_every_alias_has_a_history_of_its_own(registered):
    promote("rain", "1")
    promote("rain", "2")
    promote("rain", "3", "challenger")
    promote("rain", "4", "challenger")

    assert rollback("rain", "challenger") == "3"
    assert champion(registered) == "2"


@pytest.mark.parametrize(
    ("reference", "version"),
    [("rain", "2"), ("rain@champion", "2"), ("rain@old", "1"), ("rain/3", "3")],
)
def test_a_reference_means_one_version(registered, reference, version):
    promote("rain", "2")
    promote("rain", "1", "old")

    assert str(find_version(reference).version) == version


def test_a_name_without_a_champion_is_its_newest_version(registered):
    assert str(find_version("rain").version) == "4"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("snow", "snow: there is no such registered model; there is: rain"),
        ("rain@best", "rain@best: there is no alias"),
        ("rain/9", r"rain/9: there is no such version; there is: 4, 3, 2, 1"),
        ("rain/1@champion", "write name, name@alias, name/version or a model folder"),
        ("", "write name, name@alias"),
        ("it's", "it's: there is no such registered model"),
        ("a:b", "a:b: there is no such registered model"),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(registered, reference, message):
    with pytest.raises(UnknownModel, match=message):
        find_version(reference)


def test_a_model_without_versions_is_said(workplace):
    mlflow.MlflowClient().create_registered_model("bare")

    with pytest.raises(UnknownModel, match="bare: there is no version"):
        find_version("bare")
    assert list_versions("bare") == []


def test_versions_are_listed_newest_first_with_their_aliases(registered):
    promote("rain", "2")
    promote("rain", "2", "best")

    rows = list_versions("rain")

    assert [row.version for row in rows] == ["4", "3", "2", "1"]
    assert rows[2].aliases == ("best", "champion")


def test_every_registered_model_is_listed_however_many_there_are(workplace):
    client = mlflow.MlflowClient()
    for number in range(103):
        client.create_registered_model(f"model {number}'s")
    client.create_model_version("model 102's", "nowhere")

    [row] = list_versions()

    assert row.name == "model 102's"


def test_the_commands_move_an_alias_and_say_so(registered, recast):
    first = recast("promote", "rain", "1")
    second = recast("promote", "rain", "3", "--alias", "champion")
    back = recast("rollback", "rain")
    listed = recast("models", "rain")

    assert first.out == "rain@champion is now version 1\n"
    assert second.out == "rain@champion is now version 3\n"
    assert back.out == "rain@champion is now version 1\n"
    assert listed.code == 0
    assert listed.out.index("4") < listed.out.index("champion")
    assert champion(registered) == "1"


def test_an_empty_registry_is_an_empty_list(workplace, recast):
    result = recast("models")

    assert (result.code, result.err) == (0, "")
    assert "model" in result.out


def test_a_model_that_cannot_be_read_is_left_out_of_the_list(registered, recast):
    for name in ("a'\"b", "x[red]", "snow"):
        registered.create_registered_model(name)
        registered.create_model_version(name, "nowhere", tags={"label": "[/red]\x1b"})
    with sqlite3.connect("mlflow.db") as database:
        snow = "update model_versions set version = 'one' where name = 'snow'"
        database.execute(snow)
    database.close()

    result = recast("models")

    assert result.code == 0
    for shown in ("a'\"b", "x[red]", "rain", "[/red]\N{REPLACEMENT CHARACTER}"):
        assert shown in result.out
    assert "snow" not in result.out


def test_a_name_with_both_quotes_is_read_like_any_other(registered):
    for name in ("a'\"b", "a\"'b"):
        registered.create_registered_model(name)
        registered.create_model_version(name, "nowhere")

    promote("a'\"b", "1")

    assert champion(registered, "a'\"b") == "1"
    assert find_version("a'\"b@champion").name == "a'\"b"


@pytest.mark.parametrize("tag", ["no json", "[" * 100_000, "7", '{"mase": "much"}'])
def test_tags_that_are_no_numbers_and_no_list_count_as_absent(registered, tag):
    registered.set_registered_model_tag("rain", "history.champion", tag)
    registered.set_model_version_tag("rain", "4", "metrics", tag)

    promote("rain", "1")
    promote("rain", "2")

    assert rollback("rain") == "1"
    assert list_versions("rain")[0].metrics == {}


def test_a_metric_beyond_the_range_of_numbers_is_left_out(registered):
    metrics = f'{{"mase": {10**400}, "skill": 0.5}}'
    registered.set_model_version_tag("rain", "4", "metrics", metrics)

    assert list_versions("rain")[0].metrics == {"skill": 0.5}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to http://me:se/cret@host/a failed", "to http://me:***@host/a failed"),
        ("http://host:80/a for me@there", "http://host:80/a for me@there"),
        ("http://host:80/models/a@b", "http://host:80/models/a@b"),
    ],
)
def test_passwords_are_masked_wherever_a_text_has_a_uri(text, shown):
    assert without_password(text) == shown
