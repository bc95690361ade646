"""Interface of the executors, which run the tasks of a batch somewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.batch.tasks import Task, TaskResult


@dataclass(frozen=True, slots=True)
class Started:
    """Start of a task.

    Attributes:
        number: of the task.
        place: the process or host that runs it, for the display.
        attempt: 1 for the first, 2 where the task is tried again.
    """

    number: int
    place: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """End of a task; no attempt follows."""

    result: TaskResult


class Executor(Protocol):
    """Place to run tasks: processes of this machine, or a cluster."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Started | Ended]:
        """Run tasks; yield the start of each attempt and one end a task.

        Where `pipelines.batch.tasks.next_attempt` returns a task, it is run in place
        of the failed one. A worker that dies costs the attempt of its task. A caller
        that closes the iterator ends all tasks that run.

        Args:
            tasks: read one by one, as places become free.
        """
        ...
