"""Trials of a search by an executor: worker processes of this machine, or Ray."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.batch.cluster.ray_cluster import RayCluster, open_cluster
from pipelines.batch.executor import Ended, Executor
from pipelines.batch.processes import Processes, start_preloading
from pipelines.batch.tasks import Task
from pipelines.checkpoints.opening import WorkOptions, locate_work
from pipelines.config.resources import Resources
from pipelines.search.rounds import Parallel, TrialEnd, TrialPlan
from pipelines.tracking.runs import connect

PARALLEL = 4  # trials in a round by default; results depend on it


@contextmanager
def open_trials(
    ray: str | None, count: int | None, work: WorkOptions, needs: Resources
) -> Iterator[Parallel | None]:
    """Return a place for the trials of a round.

    Args:
        ray: address of a Ray cluster, or ``local``; None for worker processes.
        count: number of trials in a round; None for one after another, or with Ray for
            `PARALLEL`.
        work: where the unfinished work is.
        needs: of each trial.

    Raises:
        ClusterError: the cluster does not answer.
        TrackingError: MLflow does not answer.
    """
    if ray is None and count is None:
        yield None
        return
    count, uri = count or PARALLEL, connect()
    root = locate_work(work)
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="trials-", dir=root.absolute()) as name:
        folder = Path(name)
        if ray is None:
            start_preloading()
            yield make_parallel(Processes(count, folder), count, folder, needs)
        else:
            with open_cluster(ray):
                executor = RayCluster(folder, uri)
                yield make_parallel(executor, count, folder, needs)
    with suppress(OSError):  # there is other work
        root.rmdir()


def make_parallel(
    executor: Executor, count: int, folder: Path, needs: Resources
) -> Parallel:
    """Return a place that runs trials as the tasks of an executor."""

    def run(plans: Sequence[TrialPlan]) -> Iterator[TrialEnd]:
        for event in executor.run(_make_task(plan, folder, needs) for plan in plans):
            if isinstance(event, Ended):
                result = event.result
                yield TrialEnd(result.number, result.score, result.error)

    return Parallel(count, run)


def _make_task(plan: TrialPlan, folder: Path, needs: Resources) -> Task:
    return Task(
        number=plan.number,
        name=f"trial {plan.number}",
        command="tune",
        job=plan.job,
        source=plan.source,
        work=WorkOptions(),
        log=folder / f"trial-{plan.number}.log",
        resources=needs,
        trial=plan,
    )
