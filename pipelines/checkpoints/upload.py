"""Copies of a work folder among the artifacts of its MLflow run.

A machine that may go takes its disk along. With ``training.checkpoint.upload`` each
file of the work folder is copied to the artifact store (S3 or any other) in a thread,
and a later job without a folder of its own fetches them. They are deleted at the end.
"""

import logging
import shutil
import tempfile
import threading
from pathlib import Path

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from pipelines.tracking.access import first_line
from pipelines.tracking.runs import quiet_mlflow

ARTIFACTS = "unfinished-work"  # folder among a run's artifacts
log = logging.getLogger(__name__)


class Upload:
    """Thread that copies files to a run's artifacts, the latest content of each.

    Args:
        run: the open run.
        root: the work folder.
    """

    def __init__(self, run: Run, root: Path) -> None:
        self._run, self._root = run, root
        self._waiting: set[Path] = set()
        self._changed, self._is_over = threading.Condition(), False
        self._has_failed = False
        self._thread = threading.Thread(
            target=self._work, name="recast-upload", daemon=True
        )
        self._thread.start()

    def add(self, path: Path) -> None:
        """Copy a file soon."""
        with self._changed:
            self._waiting.add(path)
            self._changed.notify()

    def close(self, *, is_finished: bool) -> None:
        """Wait for the copies; delete them where the job is finished."""
        with self._changed:
            self._is_over = True
            if is_finished:
                self._waiting.clear()
            self._changed.notify()
        self._thread.join()
        if is_finished:
            self._delete()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_over:
                    self._changed.wait()
                if not self._waiting:
                    return
                path = self._waiting.pop()
            self._copy(path)

    def _copy(self, path: Path) -> None:
        place = Path(ARTIFACTS) / path.relative_to(self._root).parent
        try:
            client = mlflow.MlflowClient()
            client.log_artifact(self._run.info.run_id, str(path), place.as_posix())
        except (MlflowException, OSError) as error:
            if not self._has_failed:
                message = "%s is not in the artifact store: %s; the job goes on"
                log.warning(message, path, first_line(error))
            self._has_failed = True

    def _delete(self) -> None:
        try:
            get_artifact_repository(self._run.info.artifact_uri).delete_artifacts(
                ARTIFACTS
            )
        except (MlflowException, OSError, NotImplementedError) as error:
            log.warning("%s stays in the artifact store: %s", ARTIFACTS, error)


def fetch(run: Run, path: Path) -> bool:
    """Fetch the copies of a work folder; return whether there are any.

    Args:
        run: of the process that was cut.
        path: the folder to make, which appears complete or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, quiet_mlflow():
        try:
            mlflow.MlflowClient().download_artifacts(run.info.run_id, ARTIFACTS, folder)
        except (MlflowException, OSError):
            return False
        shutil.rmtree(path, ignore_errors=True)
        (Path(folder) / ARTIFACTS).rename(path)
    return True
