"""The command ``recast forecast`` with a file in the place of a model."""

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest

LENGTHS = {"north": 60, "south": 40, "new": 2}


@pytest.fixture
def shops(tmp_path, monkeypatch):
    """Write sales of three shops, one of them opened yesterday, and go there."""
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame(
            {
                "shop": shop,
                "day": pd.date_range("2024-01-01", periods=length).strftime("%d.%m.%Y"),
                "sales": 20 + np.arange(length) % 7 + rng.normal(0, 0.3, length),
                "price": 3.0 + np.arange(length) % 2,
            }
        )
        for shop, length in LENGTHS.items()
    ]
    pd.concat(frames).to_csv(tmp_path / "shops.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


ROLES = ("--target", "sales", "--series-id", "shop", "--time-format", "%d.%m.%Y")


def test_all_series_of_a_file_are_forecast_with_intervals(shops, recast):
    result = recast("forecast", "shops.csv", *ROLES, "--horizon", 7, "--output", "-")

    assert result.code == 0, result.err
    table = pd.read_csv(io.StringIO(result.out))
    assert table.groupby("series_id").size().to_dict() == {"north": 7, "south": 7}
    assert table["timestamp"].iloc[0] == "2024-03-01"
    bounds = table[["lower_95", "lower_80", "point", "upper_80", "upper_95"]]
    assert (bounds.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert [path.name for path in shops.iterdir()] == ["shops.csv"]


def test_without_a_horizon_fourteen_steps_are_forecast(shops, recast):
    result = recast("forecast", "shops.csv", *ROLES, "--json", "--level", 90)

    plain = json.loads(result.out)
    rows = [row for row in plain["forecast"] if row["series_id"] == "south"]
    assert [row["step"] for row in rows] == list(range(1, 15))
    assert {"lower_90", "upper_90", "method"} <= rows[0].keys()
    assert plain["model"].startswith("zero_shot version ")


def test_notes_name_guesses_seasons_short_series_and_unused_columns(shops, recast):
    result = recast("forecast", "shops.csv", *ROLES)

    assert "note: time: 'day' (the only date column)" in result.out
    assert "note: season_length: " in result.out
    assert (
        "note: series with fewer than 3 observations, left out: 'new' (2)"
    ) in result.out
    assert (
        "note: not used: 'price'; to use them: recast train with --known"
    ) in result.out


def test_a_season_that_is_said_is_used(shops, recast):
    def points(*options):
        result = recast("forecast", "shops.csv", *ROLES, "--json", *options)
        plain = json.loads(result.out)
        return [row["point"] for row in plain["forecast"]], plain["notes"]

    weekly, notes = points("--season-length", 7)
    plain, _ = points("--season-length", 1)

    assert not any("season_length" in note for note in notes)
    assert np.abs(np.subtract(weekly, plain)).max() > 1


def test_the_columns_are_named_as_in_the_file(shops, recast):
    options = ("--output", "-", "--column-names", "data", "--full")

    table = pd.read_csv(
        io.StringIO(recast("forecast", "shops.csv", *ROLES, *options).out)
    )

    assert list(table)[:4] == ["shop", "step", "day", "sales"]


def test_only_short_series_are_one_error(shops, recast):
    (shops / "new.csv").write_text("day,sales\n2024-01-01,1\n2024-01-02,2\n")

    result = recast("forecast", "new.csv")

    assert result.code == 2
    assert result.err.count("Error: ") == 1
    assert "series too short: 'sales' has 2; at least 3 points" in result.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "shops.csv"), "--data must be left out: the series are those of"),
        (("--future", "shops.csv"), "--future must be left out: a forecast without"),
        (("--known", "price"), "--known must be left out: a forecast without"),
        (("--static", "price"), "train a model: recast train shops.csv"),
        (("--horizon", 0), "horizon must be a whole number from 1"),
        (("--level", 100), "level must be a percentage from 1 to 99"),
        (("--series-id", "store"), "no column 'store'"),
    ],
)
def test_what_a_file_cannot_have_is_refused_by_name(shops, recast, options, message):
    result = recast("forecast", "shops.csv", *ROLES[:2], *options)

    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_open_questions_about_the_columns_are_asked(shops, recast):
    result = recast("forecast", "shops.csv")

    assert result.code == 2
    assert "--target COL" in result.err


@pytest.mark.parametrize(
    ("option", "value"), [("--season-length", 7), ("--freq", "D"), ("--known", "price")]
)
def test_options_of_a_file_are_refused_with_a_model(shops, recast, option, value):
    result = recast("forecast", "sales", option, value)

    assert result.code == 2
    assert f"{option} must be left out with a model: sales has" in result.err


def test_a_job_file_is_refused_with_the_commands_that_do_it(shops, recast):
    (shops / "job.yaml").write_text("name: shops\n")

    result = recast("forecast", "job.yaml")

    assert result.code == 2
    assert "recast train job.yaml" in result.err


def test_a_file_that_is_not_there_asks_no_registry(shops, recast):
    result = recast("forecast", "shop.csv")

    assert result.code == 2
    assert result.err == "Error: shop.csv: there is no such file. Check the path.\n"
    assert not (shops / "mlflow.db").exists()


def test_a_gzipped_file_is_forecast_too(shops, recast):
    pd.read_csv("shops.csv").to_csv("shops.csv.gz", index=False)
    arguments = (*ROLES, "--output", "-")

    packed = recast("forecast", "shops.csv.gz", *arguments)

    assert packed.out == recast("forecast", "shops.csv", *arguments).out


def test_a_model_is_found_beside_a_file_of_its_name(workplace, recast, train_job):
    days = pd.date_range("2024-01-01", periods=40)
    frame = pd.DataFrame({"day": days, "sales": np.arange(40) % 7 + 5.0})
    frame.to_csv("sales.csv", index=False)
    train_job("sales.csv")
    shutil.copy("sales.csv", "sales")

    result = recast("forecast", "sales", "--json")

    assert json.loads(result.out)["model"] == "sales version 1"
