"""Folder of a batch: its journal, by which it goes on, and the logs of its jobs.

    WORK/batch-DIGEST/journal.jsonl     a line a job that is done, written at its end
    WORK/batch-DIGEST/logs/NAME.log     the output of a job

The digest is of the arguments. One process at a time works on a batch. A batch whose
jobs are all done deletes its journal.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from pipelines.batch.tasks import TaskResult
from pipelines.errors import InputError, OutputError

FORMAT = 1  # of the journal
JOURNAL, LOGS, LOCK = "journal.jsonl", "logs", "lock"
WORKER_SECONDS = 60.0  # to wait for the workers of a driver that has died
ADVICE = "Choose another folder with --work-dir."


class BatchFolder:
    """The folder of one batch; a context manager that holds its lock.

    Args:
        root: the work folder.
        sources: arguments of the command.
        resume: whether to go on from the journal.

    Attributes:
        done: results by the digest of job, data and code.
        started: seconds since 1970 of the start of this or the interrupted batch.
        warning: why the journal is not written any more; None if it is.
    """

    def __init__(self, root: Path, sources: Sequence[Path], *, resume: bool) -> None:
        names = "\0".join(sorted(str(source.absolute()) for source in sources))
        digest = hashlib.sha256(names.encode()).hexdigest()[:12]
        self.path = root / f"batch-{digest}"
        self.done: dict[str, TaskResult] = {}
        self.started = time.time()
        self.warning: str | None = None
        self._resume, self._stack = resume, ExitStack()

    def describe(self) -> str:
        """Describe the work of an interrupted batch, or that there is none."""
        if self.done:
            return f"resume: {len(self.done)} jobs of this batch are done ({self.path})"
        return f"resume: no job of this batch is done ({self.path})"

    def log(self, name: str) -> Path:
        """Return the path of the log of a job."""
        return self.path / LOGS / f"{name}.log"

    def __enter__(self) -> Self:
        """Lock the folder, and read its journal or begin a new one.

        Raises:
            OutputError: the folder cannot be written.
            InputError: another process runs this batch, or the journal is damaged.
        """
        try:
            (self.path / LOGS).mkdir(parents=True, exist_ok=True)
            self._lock()
            self._open()
        except OSError as error:
            self._stack.close()
            raise OutputError(self.path, error.strerror or "", ADVICE) from error
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def take(self, digest: str, number: int, name: str) -> TaskResult | None:
        """Return the result of a job in an interrupted batch; None if it had none.

        Args:
            digest: of job, data and code.
            number, name: of the job in this batch.
        """
        result = self.done.get(digest)
        return None if result is None else replace(result, number=number, name=name)

    def append(self, digest: str, result: TaskResult) -> None:
        """Write the end of a job to the journal; a full disk stops no batch."""
        self._write({"digest": digest, "result": asdict(result)})

    def finish(self) -> None:
        """Delete the journal of a finished batch."""
        with suppress(OSError):
            (self.path / JOURNAL).unlink(missing_ok=True)

    def _lock(self) -> None:
        try:
            self._stack.enter_context(FileLock(self.path / LOCK, timeout=0))
        except Timeout:
            raise InputError(
                f"{self.path}: another recast run works on these jobs. Wait for its "
                "end, or give another --work-dir to run them twice."
            ) from None
        for path in self.path.glob("worker-*.lock"):  # they end with their driver
            try:
                with FileLock(path, timeout=WORKER_SECONDS):
                    path.unlink(missing_ok=True)
            except Timeout:
                raise InputError(
                    f"{self.path}: a worker of an earlier recast run still works. "
                    "Wait for its end."
                ) from None

    def _open(self) -> None:
        """Read the journal, cut off a torn last line, and open it for appending."""
        journal = self.path / JOURNAL
        lines: list[bytes] = []
        if self._resume:
            if journal.exists():
                lines = journal.read_bytes().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):
                del lines[-1]
        else:
            shutil.rmtree(self.path / LOGS)
            (self.path / LOGS).mkdir()
        if lines:
            self._read([_parse(line, journal) for line in lines], journal)
        size = sum(map(len, lines))
        self._file = self._stack.enter_context(journal.open("ab"))
        self._file.truncate(size)
        if not lines:
            self._write({"format": FORMAT, "started": self.started})

    def _read(self, entries: Sequence[dict[str, Any]], journal: Path) -> None:
        first, *others = entries
        if first.get("format") != FORMAT:
            problem = f"its format is {first.get('format')}; expected is {FORMAT}"
            raise InputError(_describe_damage(journal, problem))
        try:
            self.started = float(first["started"])
            for entry in others:
                self.done[entry["digest"]] = TaskResult(**entry["result"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(_describe_damage(journal, repr(error))) from None

    def _write(self, entry: dict[str, Any]) -> None:
        if self.warning is not None:
            return
        try:
            self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self.warning = (
                f"{self.path / JOURNAL} cannot be written ({error.strerror}): the "
                "batch goes on; after an interruption, --resume looks for its jobs in "
                "MLflow"
            )


def _parse(line: bytes, journal: Path) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        problem = f"a line is no object of JSON: {line[:60]!r}"
        raise InputError(_describe_damage(journal, problem))
    return entry


def _describe_damage(journal: Path, problem: str) -> str:
    return (
        f"{journal}: the journal of the batch is damaged or of another version of "
        f"recast ({problem}). Run the command without --resume to begin anew."
    )
