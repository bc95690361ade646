"""Files of trainings: shared by all worker processes, written by the supervisor.

    service.lock        held as long as the service lives
    training.lock       held as long as a training runs: there is one at a time
    ID/request.json     command, and limits
    ID/lines            its output, a line each
    ID/state.json       state at its end, and the outcome
    ID/stop             asks the supervisor to stop it
    ID/work             data and unfinished work, deleted at its end

A training without a state whose lock is free died with its supervisor.
"""

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

FOLDER_VARIABLE = "RECAST_TRAINING_DIR"
PREFIX = "recast-training-"
MAX_TRAININGS = 10  # whose end is remembered
MAX_LINES = 200  # of an answer
STOP_SECONDS = 20.0  # for a training to end
POLL_SECONDS = 0.1


class TrainingFolder:
    """The shared folder.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lock(self) -> Path:
        """File locked by a running training."""
        return self.path / "training.lock"

    @property
    def service_lock(self) -> Path:
        """File with the lock of the service."""
        return self.path / "service.lock"

    def create(self, data: bytes, file: str) -> str:
        """Create the folder of a training, and return its id.

        Args:
            data: content of the file to train on.
            file: its name.
        """
        training_id = secrets.token_hex(8)
        folder = self.path / training_id
        work = folder / "work"
        work.mkdir(parents=True, mode=0o700)
        (work / file).write_bytes(data)
        return training_id

    def write_request(self, training_id: str, request: Mapping[str, Any]) -> None:
        """Write command and limits of a training, which is found from then on."""
        _write_json(self.path / training_id / "request.json", request)

    def discard_oldest(self) -> None:
        """Delete the oldest trainings beyond the number that is remembered."""
        folders = sorted(self._trainings(), key=lambda path: path.stat().st_mtime)
        for folder in folders[: max(len(folders) - MAX_TRAININGS + 1, 0)]:
            shutil.rmtree(folder, ignore_errors=True)

    def discard(self, training_id: str) -> None:
        """Delete a training that was not started."""
        shutil.rmtree(self.path / training_id, ignore_errors=True)

    def find(self, training_id: str) -> Path | None:
        """Return the folder of a training, or None."""
        is_id = len(training_id) == 16 and set(training_id) <= set("0123456789abcdef")
        folder = self.path / training_id
        return folder if is_id and (folder / "request.json").is_file() else None

    def running(self) -> str | None:
        """Return the id of the training that runs, or None."""
        if not is_locked(self.lock):
            return None
        ids = [folder.name for folder in self._trainings() if _is_open(folder)]
        return ids[0] if ids else None

    def stop_all(self) -> None:
        """Ask all trainings to stop."""
        for folder in self._trainings():
            if _is_open(folder):
                (folder / "stop").touch()

    def _trainings(self) -> Iterator[Path]:
        for folder in self.path.iterdir():
            if self.find(folder.name) is not None:
                yield folder


@contextmanager
def shared_trainings(*, is_on: bool) -> Iterator[None]:
    """Share the trainings of all processes that start within this context.

    At its end, a running training is stopped and the folder deleted.

    Args:
        is_on: whether there are trainings; else this does nothing.
    """
    if not is_on:
        yield
        return
    with training_folder() as folder:
        os.environ[FOLDER_VARIABLE] = str(folder.path)
        try:
            yield
        finally:
            del os.environ[FOLDER_VARIABLE]


@contextmanager
def training_folder() -> Iterator[TrainingFolder]:
    """Yield a new folder; at the end, stop its training and delete it."""
    folder = TrainingFolder(Path(tempfile.mkdtemp(prefix=PREFIX)))
    service = try_lock(folder.service_lock)
    try:
        yield folder
    finally:
        folder.stop_all()
        end = time.monotonic() + STOP_SECONDS
        while folder.running() is not None and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        if service is not None:
            os.close(service)
        shutil.rmtree(folder.path, ignore_errors=True)


def try_lock(path: Path) -> int | None:
    """Lock a file, and return its descriptor; None if another process has the lock.

    The lock ends when all copies of the descriptor are closed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Return whether a process has the lock of a file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a file; None if there is none, or it is damaged."""
    with suppress(OSError, ValueError):
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content
    return None


def write_state(folder: Path, state: str, outcome: Mapping[str, Any] | None) -> None:
    """Write the state of a training at its end, at once and whole."""
    _write_json(folder / "state.json", {"state": state, "outcome": outcome})


def read_lines(folder: Path) -> list[str]:
    """Return all lines of a training that are complete."""
    try:
        text = (folder / "lines").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.split("\n")[:-1]


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(path)


def _is_open(folder: Path) -> bool:
    return not (folder / "state.json").exists()
