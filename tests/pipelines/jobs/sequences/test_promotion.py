"""The gate of discrete series: the champion moves by the same test part alone."""

import mlflow
import pytest

WEAK = {"training.epochs": 1, "model.hidden_size": 1, "model.members": 1}


@pytest.fixture(scope="module")
def store(shared_workplace, bumps_csv, train_quickly):
    """A weak champion, and a better challenger on the same test part."""
    folder = shared_workplace
    bumps_csv(folder / "bumps.csv", 100)
    weak = train_quickly(folder / "bumps.csv", "classify", **WEAK)
    strong = train_quickly(folder / "bumps.csv", "classify")
    return folder, weak, strong


def champion(name):
    return mlflow.MlflowClient().get_model_version_by_alias(name, "champion").version


def test_the_first_version_is_the_champion(store):
    _, weak, _ = store

    assert weak.verdict.promote
    assert weak.verdict.reason == "the first to be champion"


def test_a_clearly_better_version_takes_the_alias(store):
    _, weak, strong = store

    assert strong.scores.loc["gru", "accuracy"] > weak.scores.loc["gru", "accuracy"]
    assert strong.verdict.promote
    assert "of champion (version 1) on 20 series of the test part (" in (
        strong.verdict.reason
    )
    assert ", p = " in strong.verdict.reason


def test_a_worse_version_leaves_the_alias_and_says_why(store, train_quickly):
    folder, _, _ = store

    worse = train_quickly(folder / "bumps.csv", "classify", **WEAK)

    assert not worse.verdict.promote
    assert worse.verdict.reason.endswith("; not better")
    assert str(champion("bumps")) == "2"


def test_another_test_part_asks_the_champion_itself(store, bumps_csv, train_quickly):
    folder, _, _ = store
    bumps_csv(folder / "more.csv", 60, seed=9)

    again = train_quickly(folder / "more.csv", "classify", name="bumps", **WEAK)

    assert not again.verdict.promote
    assert "some of which bumps 2 may have been trained on" in again.verdict.reason


def test_the_user_may_decide_instead(store, train_quickly):
    folder, _, _ = store
    settings = WEAK | {"name": "bumps", "registry.promote": "never"}

    outcome = train_quickly(folder / "bumps.csv", "classify", **settings)

    assert not outcome.verdict.promote
    assert outcome.verdict.reason == "promote is set to never"


def test_a_champion_of_other_channels_cannot_be_compared(
    store, bumps_csv, train_quickly
):
    folder, _, _ = store
    bumps_csv(folder / "two.csv", 30, y=1.0)

    outcome = train_quickly(folder / "two.csv", "classify", name="bumps", **WEAK)

    assert not outcome.verdict.promote
    assert "champion (version 2) cannot be compared: " in outcome.verdict.reason
