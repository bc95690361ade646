"""Commands of the command line: help, options, exit codes."""

import subprocess
import sys

import pytest

COMMANDS = (
    "inspect", "train", "compare", "backtest", "tune", "forecast", "explain",
    "models", "promote", "rollback", "serve",
)  # fmt: skip


def test_help_names_every_command(recast):
    result = recast("--help")

    assert result.code == 0
    for command in COMMANDS:
        assert f" {command} " in result.out


def test_no_command_at_all_shows_the_help(recast):
    result = recast()

    assert result.code == 2
    assert "Usage: recast" in result.out + result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(recast, command):
    result = recast(command, "--help")

    assert result.code == 0
    assert f"Usage: recast {command}" in result.out


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "serve"])
def test_every_command_of_a_job_or_the_registry_shows_an_example(recast, command):
    help_text = recast(command, "--help").out

    assert "Example" in help_text
    assert f"  recast {command} " in help_text


def test_the_options_stand_for_keys_of_the_job_file(workplace, recast, daily_csv):
    daily_csv("days.csv", 40)
    options = {
        "--name": "best", "--time": "day", "--target": "sales", "--freq": "D",
        "--missing": "error", "--cell": "gru", "--seq-len": 6, "--horizon": 3,
        "--epochs": 1, "--seed": 4, "--device": "cpu", "--folds": 2,
    }  # fmt: skip

    result = recast(
        "train",
        "days.csv",
        *[argument for pair in options.items() for argument in pair],
    )

    assert result.code == 0, result.err
    assert "best version 1 registered" in result.out
    listed = recast("models", "best")
    assert "gru" in listed.out
    assert "2024-02-09" in listed.out


def test_train_says_what_it_guessed_and_what_it_did(workplace, recast, daily_csv):
    daily_csv("days.csv", 40)

    result = recast("train", "days.csv", "--epochs", "1", "--folds", "2")

    assert (result.code, result.err) == (0, "")
    assert "note: time: 'day' (the only date column)" in result.out
    assert "note: target: 'sales' (the only numeric column)" in result.out
    assert "now champion: the first to be champion" in result.out


def test_help_does_not_wait_for_torch_or_mlflow():
    code = (
        "import sys, pipelines.cli.app\n"
        "print([name for name in ('torch', 'mlflow', 'pandas') if name in sys.modules])"
    )

    answer = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert answer == "[]\n"


def test_the_process_ends_with_the_exit_code_and_one_message(tmp_path):
    command = [sys.executable, "-m", "pipelines", "train", "none.csv"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "Error: none.csv: there is no such file. Check the path.\n"
    assert not list(tmp_path.iterdir())
