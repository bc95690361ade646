"""Explain job: importance as a table, a CSV file and a heat map."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from rich.console import Console

from forecasting.explanation.explain import Explanation, explain
from forecasting.io import read_csv
from pipelines.cli.printing import tables
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import find_version


@pytest.fixture(scope="module")
def shops(shared_workplace, daily_csv, train_job):
    """Train a model of two shops, and load its registered version."""
    daily_csv("shops.csv", {"north": 80, "south": 80})
    train_job("shops.csv", windows__horizon=3, windows__seq_len=6)
    return load_forecaster(find_version("shops"))


def make_explanation(observations, **covariates):
    return Explanation(
        target="sales",
        windows=1,
        observations=observations,
        sensitivity=observations,
        covariates=covariates,
    )


def printed(explanation, capsys):
    tables.print_explanation(Console(width=80), explanation, "model")
    return capsys.readouterr().out.splitlines()


def test_the_csv_has_the_numbers_of_the_library(shops, recast, tmp_path):
    path = tmp_path / "why.csv"

    result = recast("explain", "shops", "--output", path, "--full")

    assert (result.code, result.out) == (0, f"wrote {path}\n"), result.err
    frame = pd.read_csv(path)
    assert list(frame) == ["step", "lag", "feature", "importance"]
    pd.testing.assert_frame_equal(
        frame, explain(shops).to_frame(), check_dtype=False, rtol=1e-6
    )


def test_new_observations_and_the_network_alone(shops, recast, daily_csv, tmp_path):
    data, path = daily_csv(tmp_path / "new.csv", {"north": 30}), tmp_path / "why.csv"

    options = ("--network", "--full", "--output", path)
    result = recast("explain", "shops", "--data", data, *options)

    assert result.code == 0, result.err
    expected = explain(shops, read_csv(data), part="network").to_frame()
    pd.testing.assert_frame_equal(
        pd.read_csv(path), expected, check_dtype=False, rtol=1e-6
    )


def test_the_heat_map_is_a_picture(shops, recast, tmp_path):
    path = tmp_path / "why.PNG"

    result = recast("explain", "shops", "--output", path)

    assert result.code == 0, result.err
    assert imread(path).shape == (400, 900, 4)
    assert list(tmp_path.iterdir()) == [path]


def test_the_table_has_a_row_a_step_and_a_column_a_lag(shops, recast):
    result = recast("explain", "shops@champion")

    title, answers, head, _, *rows, last = result.out.splitlines()
    assert title.startswith("shops version 1: percent")
    assert answers == "answers: network"
    assert last.startswith("3 steps; mean of 2 windows; --output FILE.csv")
    assert head.split() == ["step", "6", "5", "4", "3", "2", "1"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    for row in rows:
        assert sum(map(float, row.split()[1:])) == pytest.approx(100, abs=0.5)


def test_a_copy_of_the_last_season_is_explained_as_such(workplace, recast, tmp_path):
    week = np.tile([5.0, 9, 7, 6, 8, 12, 3], 12)
    noise = np.random.default_rng(3).normal(0, 0.01, 84)
    days = pd.date_range("2024-01-01", periods=84).strftime("%Y-%m-%d")
    table = pd.DataFrame({"day": days, "sales": week + noise})
    table.to_csv("week.csv", index=False)
    quick = ["--epochs", "1", "--seq-len", "5", "--horizon", "2"]
    assert recast("train", "week.csv", *quick).code == 0

    shown, network = recast("explain", "week"), recast("explain", "week", "--network")

    _, answers, head, _, first, second, _ = shown.out.splitlines()
    assert answers == "answers: seasonal naive"
    assert head.split()[1:] == ["7", "6", "5", "4", "3", "2", "1"]
    assert first.split()[1:] == ["100.0", *["0.0"] * 6]
    assert second.split()[1:] == ["0.0", "100.0", *["0.0"] * 5]
    alone = "the network alone; answers: seasonal naive"
    assert network.out.splitlines()[1] == alone


def test_a_long_window_is_summed_by_neighbours(capsys):
    lines = printed(make_explanation(np.ones((30, 504))), capsys)

    assert lines[1].split() == [
        "step", "504-442", "441-379", "378-316", "315-253", "252-190", "189-127",
        "126-64", "63-1",
    ]  # fmt: skip
    assert lines[3].split() == ["1", *["12.5"] * 8]
    assert (len(lines), lines[-1][:9]) == (3 + 24 + 1, "30 steps;")
    assert max(map(len, lines)) <= 80


def test_covariates_have_a_column_and_a_heat_map_each(capsys):
    explanation = make_explanation(
        np.ones((2, 3)), price=np.ones((2, 3)), size=np.full(2, 4.0)
    )

    lines, figure = printed(explanation, capsys), explanation.plot()

    assert lines[1].split() == ["step", "3", "2", "1", "price", "size"]
    assert lines[3].split() == ["1", "10.0", "10.0", "10.0", "30.0", "40.0"]
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[:3] == ["sales", "price", "size"]


def test_the_heat_map_puts_the_last_observation_right_and_the_first_step_up():
    figure = make_explanation(np.arange(6.0).reshape(2, 3)).plot()

    ax = figure.axes[0]
    assert ax.get_xlim() == (3.5, 0.5)
    assert ax.get_ylim() == (2.5, 0.5)


def test_a_forecast_that_depends_on_nothing_is_shown_too(capsys):
    explanation = make_explanation(np.zeros((2, 3)))

    assert printed(explanation, capsys)[3].split() == ["1", "0.0", "0.0", "0.0"]
    assert explanation.plot().axes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shops", "--output", "why.pdf"], r"ends in none of \.csv, .*, \.png"),
        (["shops", "--output", "no/why.png"], "there is no folder no"),
        (["ships"], "there is no such registered model; there is: shops"),
        (["shops", "--data", "none.csv"], "there is no such file"),
    ],
)
def test_what_cannot_be_explained_is_said(shops, recast, arguments, message):
    result = recast("explain", *arguments)

    assert result.code == 2
    assert re.search(message, result.err), result.err
