"""Moments at which a job is killed: inside a step, a file, or a call of MLflow."""

import itertools
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

# Function whose n-th call is the moment, and whether the process dies after it.
MOMENTS: dict[str, tuple[str, bool]] = {
    "in a step of torch": (
        "forecasting.training.engines.torch_engine:TorchEngine.compute_gradient",
        True,
    ),
    "in an epoch of the compiled loops": (
        "forecasting.training.engines.compiled_engine:CompiledEngine.train_epoch",
        True,
    ),
    "in the write of a checkpoint": ("forecasting.training.checkpoint:save_file", True),
    "before a file takes its name": (
        "forecasting.training.checkpoint:_synchronise",
        False,
    ),
    "before the baselines": ("forecasting.evaluation.comparison:Baseline.fit", False),
    "after a run is created": ("mlflow.tracking.client:MlflowClient.create_run", True),
    "after metrics are sent": ("mlflow.tracking.client:MlflowClient.log_batch", True),
    "before a plot": ("mlflow:log_figure", False),
    "before the model is logged": ("pipelines.jobs.registration:log_model", False),
    "after the model is logged": ("pipelines.jobs.registration:log_model", True),
    "within the upload of the model": (
        "mlflow.tracking.client:MlflowClient.log_model_artifacts",
        True,
    ),
    "before registration": ("pipelines.jobs.registration:register", False),
    "after registration": ("pipelines.jobs.registration:register", True),
    "before the alias moves": ("model_registry.aliases:_set_alias", False),
    "within the move of the alias": (
        "mlflow.tracking.client:MlflowClient.set_registered_model_alias",
        True,
    ),
    "after the alias has moved": ("model_registry.aliases:_set_alias", True),
    "before the descriptions": ("pipelines.jobs.registration:describe", False),
    "after the run has ended": ("mlflow:end_run", True),
    "before the work folder goes": (
        "pipelines.checkpoints.work_folder:WorkFolder.delete",
        False,
    ),
}


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill.

    Attributes:
        moment: a key of `MOMENTS`, or empty for a time.
        count: number of the call that is the moment.
        seconds: time of the kill, after the start of the job.
    """

    moment: str = ""
    count: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.moment:
            return f"after {self.seconds:.2f} s"
        return f"{self.moment}, call {self.count}"

    def arm(self) -> None:
        """Prepare the death of this process by SIGKILL."""
        if not self.moment:
            timer = threading.Timer(self.seconds, die)
            timer.daemon = True
            timer.start()
            return
        owner, name = find_function(self.moment)
        _, is_after = MOMENTS[self.moment]
        setattr(owner, name, _deadly(getattr(owner, name), self.count, is_after))


def find_function(moment: str) -> tuple[Any, str]:
    """Return the module or class with the function of a moment, and its name.

    Raises:
        AttributeError: there is no such function any more.
    """
    target, _ = MOMENTS[moment]
    module_name, _, path = target.partition(":")
    owner: Any = import_module(module_name)
    *names, last = path.split(".")
    for name in names:
        owner = getattr(owner, name)
    getattr(owner, last)
    return owner, last


def die() -> None:
    """Kill this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def _deadly(
    function: Callable[..., Any], count: int, is_after: bool
) -> Callable[..., Any]:
    """Return a function that kills the process at its n-th call."""
    calls = itertools.count(1)  # of all threads

    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Any:
        number = next(calls)
        if number == count and not is_after:
            die()
        result = function(*arguments, **settings)
        if number == count:
            die()
        return result

    return call
