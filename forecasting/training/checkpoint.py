"""Checkpoints: the state of a job's work in files, from which it goes on exactly.

A file holds everything that the rest of a training depends on: weights, moments of the
optimizer, number of steps, random states, best weights, and the records of the epochs.
It is written under another name, synchronised with the disk and then renamed, so that
it is whole or absent, whenever the process dies. It is of the format of safetensors:
numbers and text, no code.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from forecasting.errors import CheckpointError

log = logging.getLogger(__name__)
FORMAT_VERSION = 1
MIN_SECONDS = 2.0  # between two files of a long job
MAX_SHARE = 0.01  # of the time, for writing files


class TrainingState(NamedTuple):
    """State of a training after an epoch, or of another part of a job.

    Attributes:
        tensors: by name.
        facts: numbers and text that JSON can hold.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass(slots=True)
class CheckpointClock:
    """Times at which the files of a job are due.

    The first is due after ``every_seconds``, so that a short job writes none. Later
    ones are due at least as often; every two seconds where a file takes less than
    1 % of that.

    Args:
        every_seconds: most seconds of work that a death costs; 0 for every epoch.
        on_write: called with each file that is written.
    """

    every_seconds: float = 30.0
    on_write: Callable[[Path], None] | None = None
    failure: str = ""  # of the last write
    _started: float = field(default_factory=time.monotonic)
    _written: float = field(default_factory=time.monotonic)
    _cost: float = 0.0  # seconds of the last write
    _waiting: "dict[Path, Callable[[], None]]" = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    @property
    def is_due(self) -> bool:
        """Whether the last file is old enough."""
        now = time.monotonic()
        pause = self.every_seconds
        if now - self._started >= self.every_seconds:
            pause = min(pause, max(MIN_SECONDS, self._cost / MAX_SHARE))
        return now - self._written >= pause

    def write(self, path: Path, write: Callable[[Path], None]) -> None:
        """Write a file, and those that wait; a failure is kept in ``failure``.

        Args:
            path: of the file.
            write: writes the content to a path.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            for write_earlier in waiting.values():
                write_earlier()
            started = time.monotonic()
            try:
                write_atomically(path, write)
            except (OSError, SafetensorError) as error:
                if not self.failure:
                    message = "%s: %s; the job goes on without checkpoints"
                    log.warning(message, path, error)
                self.failure = f"{path}: {error}"
            else:
                self.failure = ""
                if self.on_write is not None:
                    self.on_write(path)
            self._written = time.monotonic()
            self._cost = self._written - started

    def keep(self, path: Path, write: Callable[[Path], None]) -> None:
        """Write a file of finished work when a file is due, with the others."""
        with self._lock:
            if self.is_due:
                self.write(path, write)
            else:
                self._waiting[path] = lambda: self.write(path, write)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The file of one training, or of another part of a job.

    Args:
        path: ends in ``.safetensors``; its folder is created with it.
        identity: of the data, the settings and the code, in words or as digests; a
            checkpoint of another identity is not used.
        clock: of the job.
    """

    path: Path
    identity: Mapping[str, str]
    clock: CheckpointClock = field(default_factory=CheckpointClock)

    @property
    def is_due(self) -> bool:
        """Whether the job's last file is old enough."""
        return self.clock.is_due

    def save(self, state: TrainingState) -> None:
        """Write a state; a failure is kept by the clock and stops no training."""
        self.clock.write(self.path, self._writer(state))

    def finish(self, state: TrainingState) -> None:
        """Write the state of finished work, at once or with the job's next file."""
        self.clock.keep(self.path, self._writer(state))

    def _writer(self, state: TrainingState) -> Callable[[Path], None]:
        facts = {
            "format_version": FORMAT_VERSION,
            "identity": dict(self.identity),
            "facts": state.facts,
        }
        tensors = {
            name: tensor.detach().cpu().contiguous().clone()
            for name, tensor in state.tensors.items()
        }
        metadata = {"state": json.dumps(facts)}
        return lambda path: save_file(tensors, path, metadata=metadata)

    def load(self) -> TrainingState | None:
        """Return the state in the file; None without a file.

        Raises:
            CheckpointError: the file is damaged, of another format, or of another
                training.
        """
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                facts = json.loads((file.metadata() or {})["state"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise CheckpointError(self.path, f"it is damaged ({error})") from error
        if facts.get("format_version") != FORMAT_VERSION:
            version = facts.get("format_version")
            reason = f"its format is {version}; this version reads {FORMAT_VERSION}"
            raise CheckpointError(self.path, reason)
        if difference := first_difference(facts["identity"], self.identity):
            raise CheckpointError(self.path, difference)
        return TrainingState(tensors, facts["facts"])


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The files of the trainings of one job, in a folder.

    Args:
        folder: of the files; it is created with the first.
        identity: see `Checkpoint`.
        clock: of the job.
    """

    folder: Path
    identity: Mapping[str, str]
    clock: CheckpointClock = field(default_factory=CheckpointClock)

    def under(self, name: str) -> "Checkpoints":
        """Return the files of a part of the job, by its name."""
        return replace(self, folder=self.folder / name)

    def open(self, name: str) -> Checkpoint:
        """Return the file of one training, by its name."""
        path = self.folder / f"{name}.safetensors"
        return Checkpoint(path, self.identity, self.clock)


def first_difference(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    """Return in words the first entry that differs; empty for none."""
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            return f"its {name} is {found.get(name)}, not {expected.get(name)}"
    return ""


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that it is whole or absent, whenever the process dies.

    Args:
        path: of the file; its folder is created.
        write: writes the content to a path.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    draft = path.with_suffix(".partial")
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(draft)
        _synchronise(draft)
        draft.replace(path)
        _synchronise(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _synchronise(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
