"""Opening of the work folder of a job: where it is, and whether its work goes on."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from forecasting.data.panel import Panel
from forecasting.training import CheckpointClock
from forecasting.training.checkpoint import first_difference
from model_registry.locks import sqlite_file, try_lock
from pipelines.checkpoints.identity import Identity
from pipelines.checkpoints.upload import fetch
from pipelines.checkpoints.work_folder import (
    FOLDER,
    JOURNAL,
    NEVER,
    WorkFolder,
    read_journal,
    read_object,
)
from pipelines.config.job import Job
from pipelines.errors import InputError
from pipelines.tracking.runs import find_unfinished


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """Options of a command for its unfinished work.

    Attributes:
        resume: whether to go on from it; else the job begins anew.
        folder: place of the folders of all jobs; None for ``recast-work`` beside a
            SQLite store, or in the working folder.
    """

    resume: bool = False
    folder: Path | None = None


def folder_opener(
    options: WorkOptions, command: str, *, is_follower: bool = False
) -> Callable[[Job, Panel], WorkFolder]:
    """Return a function that opens the work folder of a job on its series.

    Args:
        options, command, is_follower: see `open_work_folder`.
    """

    def open_folder(job: Job, panel: Panel) -> WorkFolder:
        identity = Identity.of(command, job, panel)
        return open_work_folder(options, job, identity, is_follower=is_follower)

    return open_folder


def open_work_folder(
    options: WorkOptions, job: Job, identity: Identity, *, is_follower: bool = False
) -> WorkFolder:
    """Return the work folder of a job, with the files of an interrupted process.

    Args:
        options: whether to go on, and where.
        job: its name, and the times of its checkpoints.
        identity: of the job.
        is_follower: whether another process leads; nothing is written then.

    Raises:
        InputError: another process works on the same job.
        CheckpointError: the journal is damaged, or of another format.
    """
    root, parts = locate_work(options), identity.to_dict()
    seconds = job.training.checkpoint.every_seconds
    path = root / f"{_slug(job.name)}-{identity.digest}"
    if is_follower:
        clock = CheckpointClock(NEVER)
        return WorkFolder(path if options.resume else None, parts, clock)
    clock, lock = CheckpointClock(seconds), try_lock(f"work {path.resolve()}")
    if lock is None and options.resume:
        raise InputError(
            f"{path}: another process works on this job. Wait for its end, or give "
            "another --work-dir to train it twice."
        )
    if lock is None:
        note = f"another process works on the same job: no checkpoints in {path}"
        return WorkFolder(notes=(note,))
    folder = WorkFolder(path, parts, clock, lock=lock, is_resumed=options.resume)
    if options.resume:
        if job.training.checkpoint.upload and not (path / JOURNAL).is_file():
            fetch_work(job.name, identity, path)
        folder.journal = read_journal(path)
        folder.notes = (_describe(folder, root, job.name),)
    elif path.is_dir():
        folder.delete()
        note = f"{path}: unfinished work of this job is deleted; --resume goes on"
        folder.notes = (note,)
    return folder


def fetch_work(experiment: str, identity: Identity, path: Path) -> None:
    """Fetch the copy of a work folder from the artifacts of its run, if there is one.

    A store that does not answer is reported when the run is opened.
    """
    with suppress(MlflowException, OSError):
        run = find_unfinished(experiment, identity.to_tags())
        if run is not None:
            fetch(run, path)


def _describe(folder: WorkFolder, root: Path, name: str) -> str:
    """Describe the work that a job goes on from, or why there is none."""
    path = folder.path
    assert path is not None
    if folder.journal:
        return f"resume: goes on from {path}"
    for other in sorted(root.glob(f"{_slug(name)}-*/{JOURNAL}")):
        found = read_object(other).get("identity", {})
        difference = first_difference(found, folder.identity)
        return (
            f"resume: begins anew; the unfinished work in {other.parent} is not used: "
            f"{difference}"
        )
    return f"resume: begins anew; no unfinished work in {root}"


def locate_work(options: WorkOptions) -> Path:
    """Return the folder of the unfinished work of all jobs."""
    if options.folder is not None:
        return options.folder
    store = sqlite_file(str(mlflow.get_tracking_uri()))
    return Path(FOLDER) if store is None else store.parent / FOLDER


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)
