"""Work folder of a job: opened, found again, refused, deleted, and never in the way."""

import json
import os
from dataclasses import replace

import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.errors import CheckpointError, SettingError
from pipelines.checkpoints.identity import Identity
from pipelines.checkpoints.opening import WorkOptions, open_work_folder
from pipelines.checkpoints.work_folder import JOURNAL, WorkFolder
from pipelines.config.job import Job
from pipelines.errors import InputError

JOB = Job.model_validate(
    {
        "name": "my sales",
        "data": {"path": "sales.csv"},
        "training": {"checkpoint": {"every_seconds": 0}},
    }
)
PANEL = Panel.from_values({"a": [1.0, 2.0, 3.0]})
TABLE = pd.DataFrame(
    {
        "series_id": ["NA", "b"],
        "cutoff": pd.to_datetime(["2024-01-01", "2024-01-02"]),
        "step": [1, 2],
        "point": [0.1 + 0.2, float("nan")],
    }
)
IDENTITY = Identity.of("train", JOB, PANEL)


def open_folder(root, *, resume=False, identity=IDENTITY, **settings):
    return open_work_folder(WorkOptions(resume, root), JOB, identity, **settings)


def work(folder, error):
    """Work in a folder until an error ends the job."""
    with folder:
        folder.note("run", "123")
        folder.facts("choice", lambda: {"season": 12})
        folder.table("baselines", lambda: TABLE)
        raise error


def cut(folder):
    """Work in a folder until Ctrl-C ends the job."""
    with pytest.raises(KeyboardInterrupt):
        work(folder, KeyboardInterrupt())


def test_a_cut_job_finds_its_journal_again_and_a_finished_one_leaves_nothing(tmp_path):
    root = tmp_path / "recast-work"
    cut(open_folder(root))

    folder = open_folder(root, resume=True)
    with folder:
        assert folder.journal == {"run": "123"}
        assert folder.is_resumed
        [note] = folder.notes
        assert f"goes on from {folder.path}" in note
        assert folder.facts("choice", lambda: 1 / 0) == {"season": 12}

    assert not root.exists()


def test_without_resume_a_job_begins_anew_and_says_so(tmp_path):
    cut(open_folder(tmp_path))

    with open_folder(tmp_path) as folder:
        assert folder.journal == {}
        assert "unfinished work of this job is deleted" in folder.notes[0]
        assert folder.facts("choice", lambda: 7) == 7


def test_nothing_to_resume_is_said(tmp_path):
    with open_folder(tmp_path, resume=True) as folder:
        assert folder.notes == (
            f"resume: begins anew; no unfinished work in {tmp_path}",
        )


@pytest.mark.parametrize("part", ["job", "data", "code", "command"])
def test_work_of_another_job_or_other_data_is_named_and_not_used(tmp_path, part):
    cut(open_folder(tmp_path))
    other = replace(IDENTITY, **{part: "other"})

    with open_folder(tmp_path, resume=True, identity=other) as folder:
        assert folder.journal == {}
        assert "is not used" in folder.notes[0]
        assert f"its {part} is " in folder.notes[0]


def test_an_error_that_would_come_again_deletes_the_work(tmp_path):
    error = SettingError("epochs", -1, "at least 0")
    with pytest.raises(SettingError):
        work(open_folder(tmp_path), error)

    assert list(tmp_path.iterdir()) == []


def test_two_processes_never_share_a_folder(tmp_path):
    first = open_folder(tmp_path)
    with first:
        with pytest.raises(InputError, match="another process works on this job"):
            open_folder(tmp_path, resume=True)
        second = open_folder(tmp_path)
        assert second.path is None
        assert "no checkpoints" in second.notes[0]
        with second:
            assert second.facts("choice", lambda: 3) == 3
            second.note("run", "1")
    with open_folder(tmp_path, resume=True) as folder:
        assert folder.path is not None


def test_a_follower_reads_and_writes_nothing(tmp_path):
    cut(open_folder(tmp_path))
    before = sorted(tmp_path.rglob("*"))

    follower = open_folder(tmp_path, resume=True, is_follower=True)
    with follower:
        follower.note("run", "456")
        assert follower.facts("choice", lambda: 1 / 0) == {"season": 12}
        assert follower.facts("other", lambda: 5) == 5

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", json.dumps({"format_version": 99, "facts": {}, "identity": {}})],
)
def test_a_damaged_journal_or_one_of_another_format_is_refused(tmp_path, text):
    folder = open_folder(tmp_path)
    cut(folder)
    (folder.path / JOURNAL).write_text(text)

    with pytest.raises(
        CheckpointError, match=r"journal\.json: (it is damaged|its form)"
    ):
        open_folder(tmp_path, resume=True)


def test_a_table_is_read_back_with_its_types(tmp_path):
    cut(open_folder(tmp_path))

    with open_folder(tmp_path, resume=True) as folder:
        found = folder.table("baselines", lambda: 1 / 0)

    pd.testing.assert_frame_equal(found, TABLE, check_exact=True)


def test_a_damaged_table_is_refused(tmp_path):
    folder = open_folder(tmp_path)
    cut(folder)
    (folder.path / "baselines.parquet").write_bytes(b"PAR1")

    folder = open_folder(tmp_path, resume=True)
    with (
        pytest.raises(CheckpointError, match=r"baselines\.parquet: it is damaged"),
        folder,
    ):
        folder.table("baselines", lambda: 1 / 0)


def test_a_place_that_cannot_be_written_stops_no_job(tmp_path, caplog):
    (tmp_path / "file").write_text("")

    with open_folder(tmp_path / "file" / "work") as folder:
        folder.note("run", "1")
        assert folder.facts("choice", lambda: 3) == 3
        assert folder.clock.failure

    assert len(caplog.records) == 1
    assert "goes on without checkpoints" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_stops_no_job(tmp_path):
    tmp_path.chmod(0o500)
    with open_folder(tmp_path / "work") as folder:
        folder.note("run", "1")
        assert folder.clock.failure


def test_a_folder_of_no_place_keeps_nothing():
    with WorkFolder() as folder:
        folder.note("run", "1")
        assert folder.facts("choice", lambda: 4) == 4
        assert folder.checkpoints is None
        assert folder.under("part") is folder
