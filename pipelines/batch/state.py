"""State of a batch: the status of each job, counts, and the time left."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipelines.batch.executor import Ended, Started
from pipelines.batch.plan import PlannedJob
from pipelines.batch.tasks import TaskResult

JobStatus = Literal["waiting", "running", "done", "unchanged", "failed"]
ENDED: tuple[JobStatus, ...] = ("done", "unchanged", "failed")


@dataclass(slots=True)
class JobState:
    """State of one job.

    Attributes:
        job: as planned.
        status: of the job.
        attempt: number of the present attempt, 0 before the first.
        place: process or host that runs it.
        since: start of the attempt, in seconds of the monotonic clock.
        result: its end; None before.
    """

    job: PlannedJob
    status: JobStatus = "waiting"
    attempt: int = 0
    place: str = ""
    since: float = 0.0
    result: TaskResult | None = None


@dataclass(slots=True)
class BatchState:
    """State of all jobs of a batch.

    Attributes:
        jobs: in the order of the plan.
        workers: number of tasks that run at once; None where a cluster decides.
        started: seconds since 1970 of the start of the batch.
        counts: number of jobs by status.
    """

    jobs: list[JobState]
    workers: int | None
    started: float
    counts: Counter[JobStatus] = field(init=False)
    _begun: float = field(default_factory=time.monotonic)
    _ended_before: int = 0

    def __post_init__(self) -> None:
        self.counts = Counter({"waiting": len(self.jobs)})

    @classmethod
    def of(
        cls, jobs: Sequence[PlannedJob], workers: int | None, started: float
    ) -> "BatchState":
        """Return the state of a batch before its first job."""
        return cls([JobState(job) for job in jobs], workers, started)

    @property
    def ended(self) -> int:
        """Number of jobs that have ended."""
        return sum(self.counts[status] for status in ENDED)

    @property
    def seconds(self) -> float:
        """Seconds since this process has begun."""
        return time.monotonic() - self._begun

    def running(self) -> list[JobState]:
        """Return the jobs that run, the earliest first."""
        states = [state for state in self.jobs if state.status == "running"]
        return sorted(states, key=lambda state: state.since)

    def take_over(self, number: int, result: TaskResult) -> JobState:
        """Note the end of a job in an earlier process."""
        self._ended_before += 1
        return self._end(number, result)

    def update(self, event: Started | Ended) -> JobState:
        """Note the start or the end of a task; return the state of its job."""
        if isinstance(event, Ended):
            return self._end(event.result.number, event.result)
        state = self.jobs[event.number]
        self._set(state, "running")
        state.attempt, state.place = event.attempt, event.place
        state.since = time.monotonic()
        return state

    def seconds_left(self) -> float | None:
        """Estimate the seconds until the end, by the jobs of this process.

        None before the first has ended.
        """
        ended = self.ended - self._ended_before
        if not ended:
            return None
        return self.seconds / ended * (len(self.jobs) - self.ended)

    def _end(self, number: int, result: TaskResult) -> JobState:
        state = self.jobs[number]
        self._set(state, result.status)
        state.attempt, state.result = result.attempts, result
        return state

    def _set(self, state: JobState, status: JobStatus) -> None:
        self.counts[state.status] -= 1
        self.counts[status] += 1
        state.status = status
