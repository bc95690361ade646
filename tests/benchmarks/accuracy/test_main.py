"""The command that forecasts and scores a set, on three small series."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy.__main__ import main

BOUNDS = ["lower_80", "upper_80", "lower_95", "upper_95"]
TIME = np.arange(48)
SERIES = {
    name: 20 + 0.1 * slope * TIME + 3 * np.sin(TIME * np.pi / 2)
    for slope, name in enumerate(["x", "y", "z"])
}


def table(begin, end):
    return pd.concat(
        pd.DataFrame({"unique_id": name, "ds": TIME[begin:end], "y": values[begin:end]})
        for name, values in SERIES.items()
    )


def command(folder, *options):
    return main(["--data", str(folder), *map(str, options)])


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """Forecasts made of a folder that holds a training part and nothing else."""
    folder = tmp_path_factory.mktemp("set")
    table(0, 45).to_csv(folder / "train.csv.gz", index=False)
    output = folder / "forecasts.csv"
    assert (
        command(folder, "--season-length", 4, "--horizon", 3, "--output", output) == 0
    )
    return output


@pytest.fixture
def folder(forecast, tmp_path):
    """A folder of both parts, and of the forecasts."""
    shutil.copytree(forecast.parent, tmp_path / "set")
    table(45, 48).to_csv(tmp_path / "set" / "test.csv", index=False)
    return tmp_path / "set"


def test_forecasts_are_made_where_there_is_no_test_part(forecast):
    frame = pd.read_csv(forecast)

    assert frame.columns.tolist() == ["unique_id", "step", "y_hat", *BOUNDS, "method"]
    assert frame["unique_id"].tolist() == ["x"] * 3 + ["y"] * 3 + ["z"] * 3
    assert frame["step"].tolist() == [1, 2, 3] * 3


def test_a_test_part_changes_no_forecast_and_is_read_after_them(
    forecast, folder, capsys
):
    garbage = table(45, 48).assign(y="behind the cutoff")
    garbage.to_csv(folder / "test.csv", index=False)
    output = folder / "again.csv"

    code = command(folder, "--season-length", 4, "--output", output)

    assert code == 2
    assert "series 'x' must be a list of numbers" in capsys.readouterr().err
    assert output.read_text() == forecast.read_text()


def test_a_file_of_forecasts_is_scored_with_its_time_and_memory(folder, capsys):
    output = folder / "forecasts.csv"

    code = command(folder, "--season-length", 4, "--score", output, "--json")

    scores = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (scores.pop("set"), scores.pop("method")) == ("set", "accurate")
    assert set(scores) == {
        *("sMAPE", "MASE", "OWA", "coverage_80", "coverage_95", "MSIS"),
        *("seconds", "cpu_seconds", "peak_mb"),
    }
    assert all(value >= 0 for value in scores.values())


def test_perfect_forecasts_of_another_program_have_no_error(folder, capsys):
    perfect = table(45, 48).rename(columns={"y": "y_hat"})
    perfect["step"] = perfect["ds"] - 44
    perfect.to_csv(folder / "oracle.csv", index=False)

    command(folder, "--season-length", 4, "--score", folder / "oracle.csv")

    printed = capsys.readouterr().out
    assert printed.startswith("oracle\n  sMAPE        0.000\n  MASE         0.000\n")


def test_scores_are_printed_as_the_row_of_a_table(folder, capsys):
    paths = folder / "forecasts.csv", folder / "forecasts.csv"

    command(folder, "--season-length", 4, "--score", *paths, "--markdown")

    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2
    assert rows[0].startswith("| accurate | ")
    assert rows[0].count("|") == 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--score", "f.csv"], "--season-length must be at least 1; found None"),
        (["--season-length", 0, "--score", "f.csv"], "must be at least 1; found 0"),
        (["--season-length", 4, "--score", "f.csv"], "cannot be read as CSV"),
        (
            ["--season-length", 4, "--output", "nowhere/f.csv"],
            "--output must be a file in a folder that exists",
        ),
    ],
)
def test_bad_options_are_refused_before_the_work(folder, capsys, options, message):
    code = command(folder, *options)

    assert code == 2
    assert message in capsys.readouterr().err


def test_a_set_without_a_test_part_is_not_scored(forecast, capsys):
    code = command(forecast.parent, "--season-length", 4, "--score", forecast)

    assert code == 2
    assert "no test.csv or test.csv.gz there" in capsys.readouterr().err


def test_a_horizon_is_required_without_a_test_part(forecast, capsys):
    code = command(forecast.parent, "--season-length", 4, "--output", "f.csv")

    assert code == 2
    assert "--horizon must be given for a set without a t" in capsys.readouterr().err
