"""The process of one training: runs the command, bounds it, and notes its end.

It outlives the worker process that started it, and ends the training when it is asked
to, when the time is up, or when the service has gone. It imports nothing large.

    python -m serving.operation.training.supervisor FOLDER
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from serving.operation.training.folder import (
    POLL_SECONDS,
    STOP_SECONDS,
    TrainingFolder,
    is_locked,
    read_json,
    write_state,
)
from serving.operation.training.lines import Cleaner

MAX_OUTCOME_BYTES = 2**20
NICENESS = 10  # forecasts come first


def supervise(folder: Path) -> None:
    """Run a training to its end.

    Args:
        folder: of the training, in that of the service.
    """
    request = read_json(folder / "request.json") or {}
    os.nice(NICENESS)
    output = folder / "work" / "outcome.json"
    with output.open("wb") as stdout:
        process = subprocess.Popen(
            request["arguments"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    cleaner = Cleaner(os.environ)
    reader = threading.Thread(target=_copy_lines, args=(process, folder, cleaner))
    reader.start()
    reason = _wait(process, folder, request["seconds"])
    reader.join(STOP_SECONDS)
    state, outcome = _judge(process.returncode, reason, output)
    shutil.rmtree(folder / "work", ignore_errors=True)
    if reason == "time":
        _add_line(folder, f"Stopped after {request['seconds']:g} seconds, the limit.")
    write_state(folder, state, cleaner.clean_all(outcome))
    if not is_locked(TrainingFolder(folder.parent).service_lock):
        shutil.rmtree(folder.parent, ignore_errors=True)


def _wait(process: subprocess.Popen[str], folder: Path, seconds: float) -> str:
    """Wait for the end of a process, or end it; return the reason."""
    service = TrainingFolder(folder.parent).service_lock
    end = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > end:
            return _end(process, "time")
        if (folder / "stop").exists() or not is_locked(service):
            return _end(process, "stop")
        time.sleep(POLL_SECONDS)
    return "ended"


def _end(process: subprocess.Popen[str], reason: str) -> str:
    """End a process and its children, at first so that it can tidy up."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
        break
    process.wait()
    return reason


def _copy_lines(process: subprocess.Popen[str], folder: Path, cleaner: Cleaner) -> None:
    assert process.stderr is not None
    traceback: list[str] = []
    for line in cleaner.lines(process.stderr, traceback):
        _add_line(folder, line)
    if traceback:
        sys.stderr.write("\n".join(["training failed:", *traceback, ""]))


def _add_line(folder: Path, line: str) -> None:
    with (folder / "lines").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _judge(
    code: int | None, reason: str, output: Path
) -> tuple[str, dict[str, Any] | None]:
    """Return the state at the end of a training, and its outcome."""
    if code == 0:
        return "done", _read_outcome(output)
    return ("stopped" if reason == "stop" else "failed"), None


def _read_outcome(output: Path) -> dict[str, Any] | None:
    with output.open("rb") as file:
        content = file.read(MAX_OUTCOME_BYTES + 1)
    try:
        outcome = json.loads(content) if len(content) <= MAX_OUTCOME_BYTES else None
    except ValueError:
        return None
    return outcome if isinstance(outcome, dict) else None


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
