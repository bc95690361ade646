"""The journal of a batch: read after any death, refused where it is damaged."""

from pathlib import Path

import pytest

from pipelines.batch.folder import BatchFolder
from pipelines.batch.tasks import TaskResult
from pipelines.errors import InputError, OutputError

RESULT = TaskResult(number=3, name="sales", status="done", log="x", metrics={"mae": 1})


def open_folder(root, *, resume=True):
    return BatchFolder(root, [Path("jobs")], resume=resume)


@pytest.fixture
def journal(tmp_path):
    """The journal of a batch that was cut after one job."""
    with open_folder(tmp_path) as folder:
        folder.append("digest", RESULT)
        folder.log("sales").write_text("trained")
    return folder.path / "journal.jsonl"


def test_a_resumed_batch_knows_the_jobs_that_are_done(tmp_path, journal):
    with open_folder(tmp_path) as folder:
        taken = folder.take("digest", 0, "renamed")

        assert (taken.number, taken.name, taken.metrics) == (0, "renamed", {"mae": 1})
        assert folder.take("other", 0, "sales") is None
        assert folder.log("sales").exists()


def test_a_new_batch_begins_anew(tmp_path, journal):
    with open_folder(tmp_path, resume=False) as folder:
        assert folder.done == {}
        assert not folder.log("sales").exists()
    with open_folder(tmp_path) as folder:
        assert folder.done == {}


def test_a_batch_whose_jobs_are_all_done_leaves_no_journal_but_the_logs(
    tmp_path, journal
):
    with open_folder(tmp_path) as folder:
        folder.finish()

    assert not journal.exists()
    with open_folder(tmp_path) as folder:
        assert folder.done == {}
        assert folder.log("sales").exists()


def test_the_start_is_that_of_the_interrupted_batch(tmp_path, journal):
    with open_folder(tmp_path) as first, pytest.raises(InputError):
        open_folder(tmp_path).__enter__()
    with open_folder(tmp_path) as second:
        assert second.started == first.started


def test_a_line_that_was_torn_by_a_death_is_cut_off(tmp_path, journal):
    with journal.open("ab") as file:
        file.write(b'{"digest": "torn", "resu')

    with open_folder(tmp_path) as folder:
        assert folder.done.keys() == {"digest"}
        folder.append("next", RESULT)
    with open_folder(tmp_path) as folder:
        assert folder.done.keys() == {"digest", "next"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"no json\n", "no object of JSON"),
        (b'{"digest": "x"}\n', "KeyError"),
        (b'{"digest": "x", "result": {"surprise": 1}}\n', "surprise"),
    ],
)
def test_a_damaged_journal_is_refused_with_advice(tmp_path, journal, line, problem):
    with journal.open("ab") as file:
        file.write(line)

    with pytest.raises(InputError, match="without --resume") as refusal:
        open_folder(tmp_path).__enter__()

    assert problem in str(refusal.value)


def test_a_journal_of_another_format_is_refused(tmp_path, journal):
    journal.write_text('{"format": 2, "started": 0}\n')

    with pytest.raises(InputError, match="its format is 2; expected is 1"):
        open_folder(tmp_path).__enter__()


def test_two_processes_cannot_run_one_batch(tmp_path, journal):
    with open_folder(tmp_path), pytest.raises(InputError, match="another recast run"):
        open_folder(tmp_path).__enter__()


def test_a_work_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="--work-dir"):
        open_folder(tmp_path / "file").__enter__()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_stops_no_batch(tmp_path):
    full = Path("/dev/full")
    with open_folder(tmp_path) as folder, full.open("wb", buffering=0) as file:
        folder._file = file

        folder.append("digest", RESULT)

        assert "No space left" in folder.warning
