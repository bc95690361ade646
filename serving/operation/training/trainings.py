"""Trainings as the service offers them: start, state, events and stop."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

from forecasting.errors import DataError
from forecasting.inspection.command import train_arguments, train_command
from forecasting.io.sources.files import unpack_text
from serving.errors import (
    BodyTooLarge,
    NotAllowed,
    RequestError,
    TooBusy,
    TrainingRuns,
    UnknownTraining,
)
from serving.operation.training.folder import (
    FOLDER_VARIABLE,
    MAX_LINES,
    POLL_SECONDS,
    TrainingFolder,
    is_locked,
    read_json,
    read_lines,
    training_folder,
    try_lock,
)
from serving.operation.training.lines import child_environment
from serving.schemas.training import (
    Training,
    TrainingList,
    TrainingOptions,
    TrainingStart,
    bare_name,
)
from serving.server.draining import is_draining
from serving.settings import Settings

SUPERVISOR = "serving.operation.training.supervisor"
DIED = "Error: the process of the training ended before its time."
EVENT_SECONDS = 0.3  # between two looks at the lines
SILENT_SECONDS = 15.0  # until a comment keeps the connection open
RELEASE_SECONDS = 5.0  # for the process of an ended training to exit
MAX_STREAMS = 20  # of events, in a process
log = logging.getLogger(__name__)


class Trainings:
    """The trainings of a service; all worker processes see the same.

    Args:
        settings: of the service.
        uri: of the store.
    """

    def __init__(self, settings: Settings, uri: str) -> None:
        self._settings, self._uri = settings, uri
        self._stack, self._streams = ExitStack(), 0
        self._shared: TrainingFolder | None = None

    def list(self, *, may_train: bool) -> TrainingList:
        """Return whether a request may train, and the training that runs."""
        running = self._folder.running() if self._settings.train else None
        return TrainingList(can_train=may_train, running=running)

    def start(
        self, data: bytes, options: TrainingOptions, key: str | None
    ) -> TrainingStart:
        """Start a training; this blocks for milliseconds, seconds behind another one.

        Args:
            data: content of the file.
            options: name of the model, and options of reading.
            key: name of the API key, for the log.

        Raises:
            TrainingRuns: another training runs.
            BodyTooLarge: the file is too large.
            RequestError: the file is no text.
            NotAllowed: this system has no locks of files.
        """
        if os.name != "posix":
            raise NotAllowed("Trainings from the service need Linux or macOS.")
        max_bytes = self._settings.train_bytes
        if len(data) > max_bytes:
            raise BodyTooLarge(max_bytes)
        try:
            text = unpack_text("the file", data, max_bytes)
        except DataError as error:
            raise RequestError([(("body",), str(error))], error) from error
        lock = self._take_lock()
        try:
            return self._spawn(text, options, key, lock)
        finally:
            os.close(lock)  # the supervisor has a copy

    def _take_lock(self) -> int:
        """Lock the trainings; wait for the process of one that has just ended.

        Raises:
            TrainingRuns: another training runs.
        """
        end = time.monotonic() + RELEASE_SECONDS
        while (lock := try_lock(self._folder.lock)) is None:
            if self._folder.running() is not None or time.monotonic() > end:
                raise TrainingRuns
            time.sleep(POLL_SECONDS)
        return lock

    def _spawn(
        self, text: bytes, options: TrainingOptions, key: str | None, lock: int
    ) -> TrainingStart:
        """Start the supervisor, which inherits the lock."""
        self._folder.discard_oldest()
        name, file = options.model_name(), safe_file_name(options.file)
        settings = {"name": name, **options.reading()}
        alias = self._settings.alias
        command = train_command(options.file, settings, options.windows())
        training_id = self._folder.create(text, file)
        folder = self._folder.path / training_id
        arguments = [
            *(sys.executable, "-m", "pipelines"),
            *train_arguments(str(folder / "work" / file), settings, options.windows()),
            "--json",
            f"--work-dir={folder / 'work' / 'unfinished'}",
            *([] if alias == "champion" else ["--set", f"registry.alias={alias}"]),
        ]
        seconds = self._settings.train_seconds
        self._folder.write_request(
            training_id,
            {"arguments": arguments, "seconds": seconds, "command": command},
        )
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", SUPERVISOR, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=child_environment(self._uri),
                pass_fds=(lock,),
                start_new_session=True,
            )
        except OSError:
            self._folder.discard(training_id)
            raise
        threading.Thread(target=process.wait, daemon=True).start()
        fields = {"training": training_id, "model": name, "key": key}
        log.info("training started", extra={"fields": fields})
        return TrainingStart(id=training_id, state="running", command=command)

    def get(self, training_id: str) -> Training:
        """Return the state of a training.

        Raises:
            UnknownTraining: there is none of this id.
        """
        return self._read(training_id, self._find(training_id))

    def stop(self, training_id: str, key: str | None) -> Training:
        """Ask a training to stop, which takes seconds, and return its state.

        Args:
            training_id: of the training.
            key: name of the API key, for the log.

        Raises:
            UnknownTraining: there is none of this id.
        """
        folder = self._find(training_id)
        training = self._read(training_id, folder)
        if training.state == "running":
            (folder / "stop").touch()
            fields = {"training": training_id, "key": key}
            log.info("training is to stop", extra={"fields": fields})
        return training

    async def events(self, training_id: str, first: int) -> AsyncIterator[bytes]:
        """Return an iterator of server-sent events: a line each, and the end.

        Args:
            training_id: of the training.
            first: number of the first line.

        Raises:
            UnknownTraining: there is none of this id.
            TooBusy: too many clients read events already.
        """
        folder = self._find(training_id)
        if self._streams >= MAX_STREAMS:
            raise TooBusy
        return self._follow(training_id, folder, first)

    async def _follow(
        self, training_id: str, folder: Path, number: int
    ) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            silent = 0.0
            while not is_draining():
                training = await asyncio.to_thread(self._read, training_id, folder)
                lines = await asyncio.to_thread(read_lines, folder)
                for i in range(number, len(lines)):
                    yield _event("line", lines[i], i)
                    silent = 0.0
                number = max(number, len(lines))
                if training.state != "running":
                    yield _event("end", training.model_dump(mode="json"), number)
                    return
                if silent >= SILENT_SECONDS:
                    yield b": still running\n\n"
                    silent = 0.0
                await asyncio.sleep(EVENT_SECONDS)
                silent += EVENT_SECONDS
        finally:
            self._streams -= 1

    def close(self) -> None:
        """Stop the training of a service that has a folder to itself."""
        self._stack.close()

    @property
    def _folder(self) -> TrainingFolder:
        """The shared folder; without one, that of this process."""
        if self._shared is None:
            path = os.environ.get(FOLDER_VARIABLE)
            self._shared = (
                TrainingFolder(Path(path))
                if path
                else self._stack.enter_context(training_folder())
            )
        return self._shared

    def _find(self, training_id: str) -> Path:
        folder = self._folder.find(training_id) if self._settings.train else None
        if folder is None:
            raise UnknownTraining
        return folder

    def _read(self, training_id: str, folder: Path) -> Training:
        # In this order: a training that ends in between has written its state.
        is_running = is_locked(self._folder.lock)
        request = read_json(folder / "request.json")
        end = read_json(folder / "state.json")
        lines = read_lines(folder)
        if end is None and not is_running:
            end, lines = {"state": "failed"}, [*lines, DIED]
        return Training(
            id=training_id,
            state=(end or {}).get("state", "running"),
            command=(request or {}).get("command", ""),
            lines=lines[-MAX_LINES:],
            outcome=(end or {}).get("outcome"),
        )


def safe_file_name(file: str) -> str:
    """Return a name for the file to train on, with the ending of a CSV.

    No other ending: that of a job file would let a client set any key of a job.

    >>> safe_file_name("my sales.yaml"), safe_file_name("..")
    ('my sales.csv', 'series.csv')
    """
    stem = re.sub(r"[^\w -]", "-", bare_name(file)).strip("- ")
    return f"{stem or 'series'}.csv"


def _event(kind: str, content: object, number: int) -> bytes:
    """Return a server-sent event; its data are JSON, and so one line."""
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(content)}\n\n".encode()
