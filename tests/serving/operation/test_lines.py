"""Lines of a training lose paths, secrets and tracebacks, and keep the rest."""

import pytest

from serving.operation.training.lines import INTERNAL, MANY, Cleaner
from serving.operation.training.trainings import safe_file_name


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("sales: backtest, epoch 3 of 9, 40 s left", None),
        ("Error: /tmp/recast-training-x/ab/sales.csv: line 3", None),
        ("no file '/srv/data/x.csv'", "no file 'x.csv'"),
        ("MLflow at sqlite:////srv/mlflow.db does not", "MLflow at the store does not"),
        ("at http://me:pw@host:5000/a/b failed", "at http://host:5000/a/b failed"),
        ("the password is hunter22", "the password is ***"),
        ("3/4 of n/a, 1/2", None),
        ("read ~/secrets/key.pem", "read key.pem"),
        ("\x1b[31mred\x1b[0m", "red"),
    ],
)
def test_a_line_is_cleaned(line, clean):
    if "recast-training" in line:
        clean = "Error: sales.csv: line 3"

    cleaner = Cleaner({"MLFLOW_TRACKING_PASSWORD": "hunter22", "HOME": "sales"})

    assert cleaner.clean(line) == (line if clean is None else clean)


def test_a_traceback_goes_to_the_log_and_not_to_the_client():
    output = ["one\n", "Traceback (most recent call last):\n", '  File "/a.py"\n']
    log = []

    lines = list(Cleaner({}).lines([*output, "ValueError: x\n"], log))

    assert lines == ["one", INTERNAL]
    assert len(log) == 3


def test_lines_are_bounded_in_number_and_length():
    lines = list(Cleaner({}).lines(["x" * 9999] * 9999, []))

    assert len(lines) == 5001
    assert lines[-1] == MANY
    assert max(map(len, lines)) == 500


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("sales.csv", "sales.csv"),
        ("job.yaml", "job.csv"),
        ("a.csv.gz", "a.csv"),
        ("..", "series.csv"),
        ("--help", "help.csv"),
        ("umsätze 1.txt", "umsätze 1.csv"),
    ],
)
def test_a_file_to_train_on_is_a_csv_by_its_name(sent, stored):
    assert safe_file_name(sent) == stored
