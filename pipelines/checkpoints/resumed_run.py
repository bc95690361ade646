"""MLflow run of a job that may have been cut: opened again, and logged once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID as PARENT_TAG

from pipelines.checkpoints.identity import Identity
from pipelines.checkpoints.upload import Upload
from pipelines.checkpoints.work_folder import WorkFolder
from pipelines.config.job import Job
from pipelines.tracking.metrics import recall_metrics
from pipelines.tracking.runs import find_unfinished, tracked_run

RUN = "run"  # key of the journal
PART_TAG = "recast.part"  # of a nested run


@contextmanager
def resumed_run(
    folder: WorkFolder,
    job: Job,
    name: str,
    *,
    settings: Mapping[str, Any],
    nested: bool = False,
    parent: str | None = None,
) -> Iterator[Run]:
    """Open the run that the journal of a work folder names, or a new one.

    What is logged again replaces what is there; metrics that are there are not logged
    twice. So the run ends as that of an unbroken job.

    Args:
        folder: of the job, or of the part with a nested run.
        job, name, settings, nested: see `pipelines.tracking.runs.tracked_run`.
        parent: run of another process, to which a nested run belongs; None for that of
            this process.
    """
    tags = _tags(folder, nested, parent)
    earlier = _find(folder, job.name, tags)
    if earlier is not None:
        recall_metrics(earlier)
    with tracked_run(
        job,
        name,
        settings=settings,
        nested=nested,
        run_id=None if earlier is None else earlier.info.run_id,
        on_start=lambda run_id: folder.note(RUN, run_id),
        tags=tags,
    ) as run:
        if job.training.checkpoint.upload and folder.path is not None and not nested:
            start_upload(folder, run)
        yield run


def start_upload(folder: WorkFolder, run: Run) -> None:
    """Copy each file of a work folder to the run, from now on."""
    assert folder.path is not None
    upload = Upload(run, folder.path)
    folder.clock.on_write = upload.add
    folder.on_end = lambda is_finished: upload.close(is_finished=is_finished)


def _tags(folder: WorkFolder, nested: bool, parent: str | None) -> dict[str, str]:
    """Return the tags that tell a run from those of other jobs, and of other parts."""
    if folder.path is None:
        return {} if parent is None else {PARENT_TAG: parent}
    if nested:
        active = mlflow.active_run()
        identifier = parent or (active.info.run_id if active else "")
        return {PART_TAG: folder.path.name, PARENT_TAG: identifier}
    return Identity(**folder.identity).to_tags()


def _find(folder: WorkFolder, experiment: str, tags: Mapping[str, str]) -> Run | None:
    """Return the run of the process that was cut, if it is still there.

    The journal names it. A process that died between the creation of the run and its
    entry in the journal leaves a run with the tags, as a machine that is gone does.
    """
    if not folder.is_resumed:
        return None
    if RUN in folder.journal:
        try:
            run = mlflow.MlflowClient().get_run(folder.journal[RUN])
        except MlflowException:
            return None
        return run if run.info.lifecycle_stage == "active" else None
    return find_unfinished(experiment, tags)
