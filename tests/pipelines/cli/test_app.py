"""The command line as a user types it."""

import subprocess
import sys

import pytest

COMMANDS = (
    "train", "compare", "backtest", "forecast", "explain",
    "models", "promote", "rollback", "serve",
)  # fmt: skip


def test_help_names_every_command(recast):
    said = recast("--help")

    assert said.code == 0
    for command in COMMANDS:
        assert f" {command} " in said.out


def test_no_command_at_all_shows_the_help(recast):
    said = recast()

    assert said.code == 2
    assert "Usage: recast" in said.out + said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(recast, command):
    said = recast(command, "--help")

    assert said.code == 0
    assert f"Usage: recast {command}" in said.out


def test_the_options_stand_for_keys_of_the_job_file(workplace, recast, daily_csv):
    daily_csv("days.csv", 40)
    options = {
        "--name": "best", "--time": "day", "--target": "sales", "--freq": "D",
        "--missing": "error", "--cell": "gru", "--seq-len": 6, "--horizon": 3,
        "--epochs": 1, "--seed": 4, "--device": "cpu", "--folds": 2,
    }  # fmt: skip

    said = recast(
        "train", "days.csv", *[each for pair in options.items() for each in pair]
    )

    assert said.code == 0, said.err
    assert "best version 1 registered" in said.out
    listed = recast("models", "best")
    assert "gru" in listed.out
    assert "2024-02-09" in listed.out


def test_train_says_what_it_guessed_and_what_it_did(workplace, recast, daily_csv):
    daily_csv("days.csv", 40)

    said = recast("train", "days.csv", "--epochs", "1", "--folds", "2")

    assert (said.code, said.err) == (0, "")
    assert "note: time: 'day' (the only date column)" in said.out
    assert "note: target: 'sales' (the only numeric column)" in said.out
    assert "now champion: the first to be champion" in said.out


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
