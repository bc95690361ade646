"""Report of a batch: a JSON file of every job, written anew as jobs end."""

import json
import math
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipelines.batch.state import BatchState, JobState
from pipelines.batch.tasks import peak_memory
from pipelines.errors import OutputError
from pipelines.output.files import check_output, write_text

FORMAT_VERSION = 1
MIN_SECONDS = 1.0  # between two writes
MAX_SHARE = 0.02  # of the time, for writing

Status = Literal["running", "done", "failed", "interrupted"]


class ReportFile:
    """The report of a batch on disk.

    Args:
        path: ends in ``.json``; None for no report.

    Raises:
        OutputError: no file can be written there.
    """

    def __init__(self, path: Path | None) -> None:
        check_output(path, (".json",))
        self._path, self._next = path, -math.inf
        self.warning: str | None = None

    def update(self, state: BatchState) -> None:
        """Write the report, unless it has been written just before."""
        if time.monotonic() >= self._next:
            self.write(state, "running")

    def write(self, state: BatchState, status: Status) -> None:
        """Write the report; where it cannot be written, `warning` says why."""
        if self._path is None:
            return
        start = time.monotonic()
        text = json.dumps(to_plain(state, status), indent=1, ensure_ascii=False)
        try:
            write_text(f"{text}\n", self._path)
            self.warning = None
        except OutputError as error:
            self.warning = str(error)
        end = time.monotonic()
        self._next = end + max(MIN_SECONDS, (end - start) / MAX_SHARE)


def to_plain(state: BatchState, status: Status) -> dict[str, Any]:
    """Return a report as plain values; docs/batch.md describes each."""
    return {
        "format_version": FORMAT_VERSION,
        "status": status,
        "started": _moment(state.started),
        "updated": _moment(time.time()),
        "seconds": round(state.seconds, 3),
        "workers": state.workers,
        "peak_memory": peak_memory(),
        "counts": {"jobs": len(state.jobs)}
        | {
            name: state.counts[name]
            for name in ("waiting", "running", "done", "unchanged", "failed")
        },
        "jobs": [_plain_job(job) for job in state.jobs],
    }


def _plain_job(state: JobState) -> dict[str, Any]:
    job, result = state.job, state.result
    plain: dict[str, Any] = {
        "name": job.name,
        "command": job.command,
        "source": str(job.source),
        "data": str(job.data),
        "status": state.status,
        "attempts": state.attempt,
    }
    if result is None:
        return plain
    fields = asdict(result)
    for name in ("number", "name", "status", "attempts", "is_final"):
        del fields[name]
    fields["seconds"] = round(result.seconds, 3)
    if result.started is not None:
        fields["started"] = _moment(result.started)
    return plain | fields


def _moment(seconds: float) -> str:
    """Return a moment as ISO text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
