"""Options of the commands that run a job, and --set for any key."""

from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.cli.job_options import DATA_OPTIONS, JOB_OPTIONS
from pipelines.config.job import DataConfig, read_job
from pipelines.config.keys import list_keys, parse_settings
from pipelines.errors import JobError
from pipelines.output.summary import show_series


@pytest.fixture
def sales(workplace):
    days = pd.date_range("2024-01-01", periods=40)
    table = pd.DataFrame({"day": days, "sales": range(40), "promo": 1, "heat": 2})
    table["region"] = "north"
    table.to_csv("sales.csv", index=False)
    return workplace


def test_there_is_an_option_for_every_key_of_the_data():
    keys = {option.key.removeprefix("data.") for option in DATA_OPTIONS.values()}

    assert keys == set(DataConfig.model_fields) - {"path"}


def test_every_option_stands_for_a_key_of_the_job():
    assert {option.key for option in JOB_OPTIONS.values()} <= set(list_keys())


def test_covariates_are_named_by_options(sales, recast):
    result = recast(
        "train", "sales.csv", "--target", "sales", "--known", "promo", "--past", "heat",
        "--static", "region", "--epochs", 1, "--folds", 1,
        "--set", "model.hidden_size=4", "--set", "evaluation.levels=[50, 90]",
    )  # fmt: skip

    assert result.code == 0, result.err
    assert "in 50 %" in result.out


def test_settings_are_parsed_as_yaml():
    settings = parse_settings(
        Path("sales.csv"),
        [
            "training.learning_rate=0.003",
            "evaluation.levels=[50, 90]",
            "model.guard=false",
            "data.time_format=%d.%m.%Y",
            "data.decimal=,",
            "training.clip_norm=null",
        ],
    )

    assert settings == {
        "training.learning_rate": 0.003,
        "evaluation.levels": [50, 90],
        "model.guard": False,
        "data.time_format": "%d.%m.%Y",
        "data.decimal": ",",
        "training.clip_norm": None,
    }


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seq_len=3", "did you mean 'windows.seq_len'?"),
        ("model.hidden=3", "did you mean 'model.hidden_size'?"),
        ("training.epoch=3", "did you mean 'training.epochs'?"),
        ("zzz=3", "--set zzz: unknown key. Keys are name, preset"),
        ("model=3", "--set model: unknown key"),
        ("windows.seq_len", "--set takes KEY=VALUE, such as model.hidden_size=64"),
    ],
)
def test_an_unknown_key_is_refused_with_a_similar_one(setting, message):
    with pytest.raises(JobError) as refusal:
        parse_settings(Path("sales.csv"), [setting])

    assert message in str(refusal.value)


def test_a_wrong_value_of_a_setting_is_one_message(sales, recast):
    result = recast("train", "sales.csv", "--set", "training.epochs=many")

    assert result.code == 2
    assert "training.epochs" in result.err
    assert "Traceback" not in result.err


def test_train_asks_all_questions_at_once(workplace, recast):
    rows = "start,end,a,b\n2024-01-01,2024-01-02,1,2\n2024-01-02,2024-01-03,2,3\n"
    (workplace / "open.csv").write_text(rows)

    result = recast("train", "open.csv")

    assert result.code == 2
    first, second = result.err.splitlines()
    assert first.startswith("Error: which column is the time?")
    assert second.startswith("Also open: which column is the target?")


def test_a_terminal_is_shown_the_series_before_the_training(sales):
    job = read_job(Path("sales.csv"), {"data.target": "sales"})
    console = Console(force_terminal=True, record=True, width=200, quiet=False)

    show_series(console, job.read_panel(), job)

    lines = console.export_text().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("one series of 40 observations, 2024-01-01")
    assert lines[2].startswith("training: reads 5 observations, forecasts 2 steps")


def test_a_file_is_not_shown_the_series(sales, capsys):
    job = read_job(Path("sales.csv"), {"data.target": "sales"})

    show_series(Console(force_terminal=False), job.read_panel(), job)

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", ["forecast", "explain"])
def test_new_data_has_options_of_its_form(command):
    help_text = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "120"})

    for option in ("--missing", "--decimal", "--time-format", "--encoding"):
        assert option in help_text.output
