"""A job that is killed again and again, and goes on each time until it ends."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.killing.jobs import KilledJob, run_job
from benchmarks.killing.moments import Kill
from benchmarks.killing.store import describe_store, differences


@dataclass(slots=True)
class Chain:
    """Result of a chain of kills.

    Attributes:
        job: the job.
        kills: those that the job died of.
        differences: of what is left at the end from that of an unbroken job.
    """

    job: KilledJob
    kills: list[Kill] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def run_chain(
    job: KilledJob, kills: Iterable[Kill], folder: Path, expected: dict[str, object]
) -> Chain:
    """Kill a job, resume it, kill it again; compare its end with an unbroken job.

    Args:
        job: the job.
        kills: one a process, until the job ends or there are no more.
        folder: with an empty MLflow store, of this chain alone.
        expected: `describe_store` of an unbroken job.
    """
    chain = Chain(job)
    for number, kill in enumerate(kills):
        if not run_job(job, folder, resume=number > 0, kill=kill).is_killed:
            break
        chain.kills.append(kill)
    else:
        run_job(job, folder, resume=True)
    found = describe_store(folder, job.name)
    chain.differences = differences(found, expected)
    return chain
