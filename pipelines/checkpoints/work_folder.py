"""Folder of an unfinished job: a journal, checkpoints of its trainings, its results.

    NAME-DIGEST/journal.json        identity, MLflow runs, decisions; always written
    NAME-DIGEST/.../*.safetensors   trainings, see `forecasting.training.checkpoint`
    NAME-DIGEST/.../*.parquet       tables, such as the backtest of the baselines
    NAME-DIGEST/.../*.json          choices, such as those of a preset

A job that finishes deletes its folder. The folder of a job that was cut is found by the
digest of its identity, so that nothing of another job, of other data or of other code
is ever used. What cannot be written stops no job: a warning says so.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pandas as pd
from filelock import FileLock

from forecasting.errors import CheckpointError, ForecastingError, ProcessDied
from forecasting.training import CheckpointClock, Checkpoints
from forecasting.training.checkpoint import FORMAT_VERSION

JOURNAL = "journal.json"
FOLDER = "recast-work"
NEVER = float("inf")
Content = TypeVar("Content")


@dataclass(slots=True)
class WorkFolder:
    """The unfinished work of one job; a context manager that deletes it at the end.

    Args:
        path: the folder, which is created with its first file; None to keep nothing.
        identity: of the job.
        clock: of its checkpoints.
        journal: facts by name.
        notes: sentences for the user.
        lock: held by the process that works on the job.
        is_resumed: whether the job goes on from what an earlier process left.
        on_end: called at the end with whether the job is finished.
    """

    path: Path | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    clock: CheckpointClock = field(default_factory=CheckpointClock)
    journal: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lock: FileLock | None = None
    is_resumed: bool = False
    on_end: Callable[[bool], None] | None = None

    @property
    def checkpoints(self) -> Checkpoints | None:
        """The files of the trainings; None to keep none."""
        if self.path is None:
            return None
        return Checkpoints(self.path, self.identity, self.clock)

    def under(self, name: str) -> "WorkFolder":
        """Return the folder of a part of the job, with a journal of its own."""
        if self.path is None:
            return self
        path = self.path / name
        return WorkFolder(
            path=path,
            identity=self.identity,
            clock=self.clock,
            journal=read_journal(path),
            is_resumed=self.is_resumed,
        )

    def note(self, name: str, value: Any) -> None:
        """Write a fact to the journal, at once."""
        self.journal[name] = value
        if self.path is None or self.clock.every_seconds == NEVER:
            return
        content = {
            "format_version": FORMAT_VERSION,
            "identity": dict(self.identity),
            "facts": self.journal,
        }
        text = json.dumps(content, indent=1)
        self.clock.write(self.path / JOURNAL, lambda path: _write(path, text))

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return a table of the unfinished work, or make it and keep it.

        Raises:
            CheckpointError: its file is damaged.
        """
        path = None if self.path is None else self.path / f"{name}.parquet"
        if path is not None and path.is_file():
            return _load(path, pd.read_parquet)
        table = make()
        if path is not None:
            self.clock.keep(path, table.to_parquet)
        return table

    def facts(self, name: str, make: Callable[[], Any]) -> Any:
        """Return facts of the unfinished work, or make and keep them; JSON holds them.

        Raises:
            CheckpointError: their file is damaged.
        """
        path = None if self.path is None else self.path / f"{name}.json"
        if path is not None and path.is_file():
            return _load(path, lambda file: json.loads(file.read_text("utf-8")))
        facts = make()
        if path is not None:
            text = json.dumps(facts)
            self.clock.keep(path, lambda file: _write(file, text))
        return facts

    @contextmanager
    def released_on_error(self) -> Iterator[None]:
        """Release the job for others if a block before the work fails."""
        try:
            yield
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let other processes work on the job."""
        if self.lock is not None:
            self.lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the folder, unless the work was cut and can go on."""
        is_final = isinstance(error, ForecastingError)  # it would fail again
        can_go_on = isinstance(error, CheckpointError | ProcessDied)
        is_over = error is None or (is_final and not can_go_on)
        if self.on_end is not None:
            self.on_end(is_over)
        if is_over:
            self.delete()
        self.release()

    def delete(self) -> None:
        """Delete the folder, and an empty ``recast-work`` around it."""
        if self.path is None or self.clock.every_seconds == NEVER:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        if self.path.parent.name == FOLDER:
            with suppress(OSError):  # that of another job is there
                self.path.parent.rmdir()


def read_journal(path: Path) -> dict[str, Any]:
    """Return the facts of a journal; empty without one.

    Raises:
        CheckpointError: it is damaged, or of another format.
    """
    if not (path / JOURNAL).is_file():
        return {}
    content = read_object(path / JOURNAL)
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        reason = f"its format is {version}; this version reads {FORMAT_VERSION}"
        raise CheckpointError(path / JOURNAL, reason)
    return dict(content["facts"])


def read_object(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file.

    Raises:
        CheckpointError: it is damaged.
    """
    content = _load(path, lambda file: json.loads(file.read_text("utf-8")))
    if not isinstance(content, dict):
        raise CheckpointError(path, "it is damaged (no object of JSON)")
    return content


def _load(path: Path, read: Callable[[Path], Content]) -> Content:
    try:
        return read(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(path, f"it is damaged ({error})") from error


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
