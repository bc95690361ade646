"""`recast inspect`: a table of the columns, or JSON; nothing is written."""

import json
import subprocess
import sys

import pandas as pd


def test_inspect_shows_columns_series_rows_and_training(workplace, recast, daily_csv):
    daily_csv("shops.csv", {"A": 40, "B": 30})
    before = sorted(workplace.iterdir())

    result = recast("inspect", "shops.csv")

    assert (result.code, result.err) == (0, "")
    words = " ".join(result.out.split())
    assert "day time dates 2024-01-01 the only date column" in words
    assert "shop series id text A it tells rows of one time apart" in words
    assert "series: 2 series of 30 to 40 observations" in words
    assert "A 2024-01-02" in words
    assert "training: reads 7 observations, forecasts 3 steps" in words
    assert sorted(workplace.iterdir()) == before


def test_inspect_takes_the_options_of_reading_and_training(workplace, recast):
    days = pd.date_range("2024-01-01", periods=40)
    table = pd.DataFrame({"day": days, "a": range(40), "b": 1, "name": "x"})
    table.to_csv("wide.csv", index=False)

    result = recast(
        "inspect", "wide.csv", "--target", "a", "--known", "b", "--static", "name",
        "--horizon", 3, "--seq-len", 7, "--folds", 2, "--json",
    )  # fmt: skip

    plain = json.loads(result.out)
    roles = {column["name"]: column["role"] for column in plain["columns"]}
    assert roles == {"day": "time", "a": "target", "b": "known", "name": "static"}
    assert plain["training"]["folds"] == 2
    assert (plain["training"]["seq_len"], plain["training"]["horizon"]) == (7, 3)
    assert plain["questions"] == []


def test_inspect_reads_a_job_file(workplace, recast, daily_csv):
    daily_csv("days.csv", 40)
    job = (
        "name: days\ndata:\n  path: days.csv\n  target: sales\nwindows: {horizon: 3}\n"
    )
    (workplace / "job.yaml").write_text(job)

    plain = json.loads(recast("inspect", "job.yaml", "--json").out)

    assert plain["training"]["horizon"] == 3
    assert plain["columns"][1]["reason"] == "as requested"


def test_questions_are_listed_with_their_options(workplace, recast):
    rows = "start,end,a,b\n2024-01-01,2024-01-02,1,2\n2024-01-02,2024-01-03,2,3\n"
    (workplace / "open.csv").write_text(rows)

    result = recast("inspect", "open.csv")

    assert result.code == 0
    assert "open: which column is the time?" in result.out
    assert "open: which column is the target?" in result.out


def test_text_of_a_file_is_no_markup(workplace, recast):
    (workplace / "m.csv").write_text(
        "ds,y,[red]x\n2024-01-01,1,[bold]\n2024-01-02,2,b\n"
    )

    result = recast("inspect", "m.csv")

    assert "[red]x" in result.out
    assert "[bold]" in result.out


def test_bad_input_is_one_message(workplace, recast):
    result = recast("inspect", "none.csv")

    assert result.code == 2
    assert result.err == "Error: none.csv: there is no such file. Check the path.\n"


def test_inspect_imports_neither_torch_nor_mlflow(workplace, daily_csv):
    daily_csv("days.csv", 10)
    code = (
        "import sys\n"
        "from pipelines.cli.app import app\n"
        "app(['inspect', 'days.csv', '--json'], standalone_mode=False)\n"
        "names = ('torch', 'mlflow', 'scipy', 'matplotlib', 'fastapi')\n"
        "print([name for name in names if name in sys.modules])"
    )

    answer = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert answer.splitlines()[-1] == "[]"
