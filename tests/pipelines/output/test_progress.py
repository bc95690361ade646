"""Progress of a job: one bar on a terminal, else a line every few seconds."""

import io
import math
import re
import time

import pytest
from rich.console import Console

from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.output.progress import (
    LINE_SECONDS,
    Work,
    count_trainings,
    describe_seconds,
    show_work,
)


def record(epoch, member=0, epochs=10, loss=0.25, refit=False):
    return EpochRecord(
        member=member, epoch=epoch, epochs=epochs, train_loss=0.5,
        validation_loss=loss, seconds=0.1, refit=refit,
    )  # fmt: skip


@pytest.fixture
def shares():
    """Run parts of records; return the share of the whole after each record."""

    def run(*parts, trainings=2):
        seen = []
        work = Work(len(parts), lambda title, share, left, record: seen.append(share))
        for records in parts:
            with work.part("days", trainings) as show:
                for item in records:
                    show(item)
        return seen

    return run


def test_the_share_counts_parts_trainings_and_epochs(shares):
    first = [record(5), record(10), record(5, refit=True), record(10, refit=True)]

    assert shares(first, [record(5)]) == pytest.approx(
        [1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8]
    )


def test_a_training_that_stops_early_counts_in_full(shares):
    assert shares([record(2), record(0, refit=True)]) == pytest.approx([0.1, 0.5])


def test_members_and_folds_are_trainings(shares):
    members = [record(1), record(1, member=1)]
    folds = [record(9), record(0)]

    assert shares(members) == pytest.approx([0.05, 0.55])
    assert shares(folds) == pytest.approx([0.45, 0.5])


def test_more_trainings_than_expected_never_lower_the_share(shares):
    seen = shares([record(10), record(1), record(1), record(1)], trainings=1)

    assert seen == sorted(seen)
    assert max(seen) <= 1


def test_an_error_ends_its_part_only(shares):
    work = Work(2, lambda *_: None)

    with pytest.raises(ValueError, match="pruned"), work.part("days", 1):
        raise ValueError("pruned")

    assert work._done == 1


def test_short_work_prints_nothing_off_a_terminal():
    file = io.StringIO()

    with (
        show_work(Console(file=file), parts=1) as work,
        work.part("days: backtest", 1) as show,
    ):
        for epoch in range(9):
            show(record(epoch))

    assert file.getvalue() == ""


def test_long_work_prints_a_line_now_and_then_off_a_terminal():
    file = io.StringIO()

    with (
        show_work(Console(file=file, width=80), parts=2) as work,
        work.part("days: backtest", 1) as show,
    ):
        show(record(1))
        time.sleep(LINE_SECONDS + 0.1)
        show(record(2, loss=math.nan))
        show(record(3))

    line = r"days: backtest: epoch 2 of 10, 10% of the whole, \d+ s left\n"
    assert re.fullmatch(line, file.getvalue())


def test_a_terminal_of_80_columns_shows_one_bar_with_share_and_time_left():
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None)
    title = "a model with a name that takes most of the line: backtest of lstm"

    with show_work(console, parts=2) as work, work.part(title, 1) as show:
        time.sleep(0.2)
        show(record(0, loss=math.nan))
        show(record(5))
        time.sleep(0.2)

    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", file.getvalue()))
    assert max(map(len, lines)) <= 80
    assert any("25 %" in line and "s left" in line for line in lines)
    assert "nan" not in file.getvalue()
    assert "None" not in file.getvalue()


def test_members_refits_and_folds_are_counted():
    job = Job.model_validate({"name": "a", "data": {"path": "a.csv"}})
    settings = {"model.members": 3, "training.refit": True}

    assert count_trainings(job, 4) == 1
    assert count_trainings(job.replace(settings), 4) == 6
    assert count_trainings(job.replace(settings | {"evaluation.refit": True}), 4) == 24


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.4, "7 s"), (100, "2 min"), (7200, "2 h")]
)
def test_a_duration_is_in_its_largest_unit(seconds, text):
    assert describe_seconds(seconds) == text
