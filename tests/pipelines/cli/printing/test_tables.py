"""Lines on the terminal: the commands that follow a training."""

import shlex

import pytest
from rich.console import Console

from pipelines.cli.printing.tables import name_reference, print_next_steps


@pytest.mark.parametrize(
    ("alias", "reference"),
    [("champion", "sales"), ("trial", "sales@trial"), (None, "sales/3")],
)
def test_a_version_is_named_by_its_alias_or_number(alias, reference):
    assert name_reference("sales", "3", alias) == reference


def test_the_next_commands_can_be_typed_as_they_are_shown(capsys):
    print_next_steps(Console(width=80), "my sales")

    forecast, explain, serve = capsys.readouterr().out.splitlines()
    assert shlex.split(forecast)[:4] == ["next:", "recast", "forecast", "my sales"]
    assert shlex.split(explain)[:3] == ["recast", "explain", "my sales"]
    assert shlex.split(serve)[:2] == ["recast", "serve"]


def test_a_training_ends_with_what_comes_next(workplace, recast, daily_csv):
    options = ("--epochs", 1, "--folds", 2)

    first = recast("train", daily_csv("days.csv", 40), *options)
    second = recast("train", "days.csv", *options, "--set", "registry.promote=never")

    assert "next: recast forecast days " in first.out
    assert "next: recast forecast days/2 " in second.out
