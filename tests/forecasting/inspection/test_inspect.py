"""An inspection says how a file is read, and asks for all that is open at once."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import SettingError, UnreadableData
from forecasting.inspection.inspect import inspect_csv, list_questions


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(content, name="sales.csv"):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return name

    return write


def shops(lengths, **columns):
    """Return the text of a file of several shops, a day a row."""
    frames = []
    for name, length in lengths.items():
        days = pd.date_range("2024-01-01", periods=length).strftime("%Y-%m-%d")
        values = np.arange(length) % 7 * 10
        frames.append(pd.DataFrame({"day": days, "shop": name, "sales": values}))
    return pd.concat(frames).assign(**columns).to_csv(index=False)


def test_every_column_has_a_role_a_kind_an_example_and_a_reason(write):
    path = write(shops({"A": 40, "B": 30}, note="x", promo=1))

    inspection = inspect_csv(path, target="sales", known_covariates="promo")

    assert [
        (c.name, c.role, c.kind, c.example, c.reason) for c in inspection.columns
    ] == [
        ("day", "time", "dates", "2024-01-01", "the only date column"),
        ("shop", "series id", "text", "A", "it tells rows of one time apart"),
        ("sales", "target", "numbers", "0", "as requested"),
        (
            "note",
            "",
            "text",
            "x",
            "not used; a covariate with --known, --past or --static; names of series "
            "with --series-id",
        ),
        ("promo", "known", "numbers", "1", "as requested"),
    ]


def test_series_are_measured(write):
    inspection = inspect_csv(write(shops({"A": 40, "B": 30, "C": 20})))

    series = inspection.series
    assert (series.count, series.points) == (3, 90)
    assert (series.shortest, series.median, series.longest) == (20, 30, 40)
    assert (series.first, series.last) == ("2024-01-01", "2024-02-09")
    assert (series.frequency, series.zone, series.filled) == ("D", None, 0)
    assert series.calendar_season == 7
    assert series.seasons == (7,)


def test_the_first_rows_are_shown_as_they_were_read(write):
    text = "Tag;Umsatz\n31.01.2024;1.004,50\n01.02.2024;5,25\n02.02.2024;6,00\n"

    rows = inspect_csv(write(text)).rows

    assert rows[0] == {
        "series_id": "Umsatz", "timestamp": "2024-01-31", "Umsatz": 1004.5
    }  # fmt: skip
    assert rows[1]["Umsatz"] == 5.25


def test_the_training_is_planned_by_the_settings(write):
    path = write(shops({"A": 40}))

    default = inspect_csv(path).training
    longer = inspect_csv(path, seq_len=14, horizon=7).training

    assert (default.seq_len, default.horizon, default.folds) == (7, 4, 2)
    assert default.first_cutoff == "2024-02-01"
    assert (longer.seq_len, longer.horizon, longer.folds) == (14, 7, 1)
    assert longer.problem is None


def test_series_without_a_window_leave_no_training(write):
    training = inspect_csv(write(shops({"A": 6}))).training

    assert training.folds == 0
    assert "'sales' has 6" in training.problem
    assert training.left_out == ("sales",)


def test_all_open_questions_are_asked_at_once(write):
    path = write(
        "start,end,a,b\n2024-01-01,2024-01-02,1,2\n2024-01-02,2024-01-03,2,3\n"
    )

    inspection = inspect_csv(path)

    assert len(inspection.questions) == 2
    assert "--time COL" in inspection.questions[0]
    assert "--target COL" in inspection.questions[1]
    assert inspection.series is None
    assert [c.reason for c in inspection.columns[::2]] == [
        "open: see the questions"
    ] * 2
    assert list_questions(path) == inspection.questions
    assert list_questions(path, time="start", target="a") == ()


def test_gaps_are_a_question_and_the_series_are_shown_all_the_same(write):
    lines = shops({"A": 40}).splitlines()

    inspection = inspect_csv(write("\n".join([*lines[:10], *lines[12:]])))

    [question] = inspection.questions
    assert "2 moments are missing" in question
    assert inspection.series.filled == 2
    assert inspection.series.points == 40


def test_an_answer_closes_the_question(write):
    lines = shops({"A": 40}).splitlines()
    path = write("\n".join([*lines[:10], *lines[12:]]))

    inspection = inspect_csv(path, missing="interpolate")

    assert inspection.questions == ()
    assert "2 missing moments put in and filled (interpolate)" in inspection.notes


def test_an_error_that_no_option_answers_is_shown(write):
    lines = shops({"A": 40}).splitlines()
    lines[5] = lines[5].rpartition(",")[0] + ",closed"

    inspection = inspect_csv(write("\n".join(lines)), target="sales")

    assert len(inspection.questions) == 1
    assert "'closed'" in inspection.questions[0]
    assert inspection.training is None


def test_the_summary_has_three_lines(write):
    summary = inspect_csv(write(shops({"A": 40, "B": 30}))).summary()

    assert summary == [
        "2 series of 30 to 40 observations, 2024-01-01 to 2024-02-09, frequency D, "
        "season 7 (values repeat after 7)",
        "time 'day' (the only date column), series id 'shop' (it tells rows of one "
        "time apart), target 'sales' (the only numeric column)",
        "training: reads 7 observations, forecasts 3 steps, tested at 2 cutoffs after "
        "2024-02-03",
    ]


def test_what_is_no_table_and_no_setting_is_refused(write):
    with pytest.raises(UnreadableData, match="no such file"):
        inspect_csv("none.csv")
    with pytest.raises(SettingError, match="missing must be one of"):
        inspect_csv(write(shops({"A": 9})), missing="drop")


def test_an_inspection_is_plain_values(write):
    plain = inspect_csv(write(shops({"A": 40}))).to_plain()

    assert json.loads(json.dumps(plain))["series"]["count"] == 1


def test_an_inspection_imports_no_network(write):
    path = write(shops({"A": 10}))
    code = (
        f"import sys, forecasting; forecasting.inspect_csv({path!r})\n"
        "names = ('torch', 'scipy', 'mlflow', 'sklearn', 'numba', 'matplotlib')\n"
        "print([name for name in names if name in sys.modules])"
    )

    answer = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert answer == "[]\n"
