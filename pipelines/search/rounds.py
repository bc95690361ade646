"""Trials of a search in rounds of several at once, each in a process of its own.

The trials of a round are suggested before its first begins, each from the seed and the
trials that ended before the round; pruning compares with these alone. So a search
depends on the number of trials in a round, and not on which of them ends first.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from rich.console import Console

from forecasting.training import CheckpointClock
from pipelines.checkpoints.work_folder import WorkFolder
from pipelines.config.job import Job, parse_job
from pipelines.errors import InputError
from pipelines.jobs.experiment import Experiment
from pipelines.search.search_space import SearchSpace
from pipelines.search.study import ended_trials, make_sampler, open_study

ROUND = "round"  # key of the journal: the trials that run, and those before them


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """One trial as plain values, for another process.

    Attributes:
        number: of the trial in its study.
        identifier: of the trial in its database.
        before: number of the first trial that pruning may not compare with.
        study, storage: name and database URL of the study; the URL shows in no
            representation.
        job: job file of the search, see `pipelines.config.job.Job.explicit_yaml`.
        source: path of the file that the job is from.
        trials: of the search in all.
        parent: MLflow run of the search.
        folder: of the unfinished work; None for none.
        identity: of the job.
        every_seconds: between checkpoints.
        is_resumed: whether the search goes on from its unfinished work.
    """

    number: int
    identifier: int
    before: int
    study: str
    storage: str = field(repr=False)
    job: str
    source: str
    trials: int
    parent: str
    folder: Path | None
    identity: dict[str, str]
    every_seconds: float
    is_resumed: bool


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """End of a trial: its error measure, None if it was pruned, or a failure."""

    number: int
    value: float | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Parallel:
    """Place for several trials at once.

    Attributes:
        count: number of trials in a round.
        run: runs the trials of a round and yields the end of each.
    """

    count: int
    run: Callable[[Sequence[TrialPlan]], Iterator[TrialEnd]]


def plan_source(job: Job) -> str:
    """Return a path by which a job's text is read as it was: a job file or a CSV."""
    return str(job.data.path) if job.open_windows else "job.yaml"


def run_rounds(
    study: optuna.Study,
    space: SearchSpace,
    parallel: Parallel,
    folder: WorkFolder,
    make_plan: Callable[[optuna.trial.FrozenTrial, int], TrialPlan],
    *,
    trials: int,
    seed: int,
) -> Iterator[optuna.trial.FrozenTrial]:
    """Run trials in rounds until ``trials`` have ended; yield each new one at its end.

    A round that was cut goes on with the trials that had not ended.

    Args:
        study, space, seed: of the search.
        parallel: place for the trials.
        folder: of the search; its journal names the round that runs.
        make_plan: returns the plan of a trial, for the number ``before``.
        trials: number in all.

    Raises:
        InputError: a trial failed.
    """
    cut = folder.journal.get(ROUND, {"numbers": [], "before": 0})
    states = (TrialState.RUNNING,)
    running = study.get_trials(deepcopy=False, states=states)
    current = [trial for trial in running if trial.number in cut["numbers"]]
    before = cut["before"]
    while current or len(ended_trials(study)) < trials:
        if not current:
            before = len(study.get_trials(deepcopy=False))
            missing = trials - len(ended_trials(study))
            current = _suggest(study, space, seed, min(parallel.count, missing))
            numbers = [trial.number for trial in current]
            folder.note(ROUND, {"numbers": numbers, "before": before})
        for end in parallel.run([make_plan(trial, before) for trial in current]):
            if end.failure is not None:
                raise InputError(f"trial {end.number} failed: {end.failure}")
            state = TrialState.PRUNED if end.value is None else TrialState.COMPLETE
            study.tell(end.number, end.value, state)
            yield study.get_trials(deepcopy=False)[end.number]
        current = []


def _suggest(
    study: optuna.Study, space: SearchSpace, seed: int, count: int
) -> list[optuna.trial.FrozenTrial]:
    """Return new trials with settings that depend on the seed and the ended trials."""
    ended = len(ended_trials(study))
    trials = []
    for place in range(count):
        study.sampler = make_sampler(seed, ended + place)
        if not ended and not place:
            study.enqueue_trial({name: space.start[name] for name in space.names})
        with warnings.catch_warnings():
            # Optuna calls for Study.optimize, whose trials are of one process.
            warnings.filterwarnings("ignore", "Heartbeat of storage")
            trial = study.ask()
        space.suggest(trial)
        trials.append(study.get_trials(deepcopy=False)[trial.number])
    return trials


def run_trial(plan: TrialPlan, console: Console, *, is_resumed: bool) -> TrialEnd:
    """Run one trial in this process, as a child of the run of the search.

    Args:
        plan: of the trial.
        console: output of the progress.
        is_resumed: whether an earlier attempt at the trial was cut.

    Raises:
        DataError, SettingError: the series or settings cannot be used here.
        StudyError: the database of the trials cannot be used.
    """
    from pipelines.search.tune import Search

    folder = WorkFolder(
        plan.folder,
        plan.identity,
        CheckpointClock(plan.every_seconds),
        is_resumed=is_resumed or plan.is_resumed,
    )
    job = parse_job(plan.job, Path(plan.source))
    experiment = Experiment(job, open_folder=lambda *_: folder)
    search = Search(experiment.job, experiment, console)
    with open_study(plan.storage, plan.study) as study:
        study.pruner = _EarlierPruner(study.pruner, plan.before)
        trial = optuna.Trial(study, plan.identifier)
        try:
            value = search.run_trial(trial, plan.trials, parent=plan.parent)
        except optuna.TrialPruned:
            return TrialEnd(plan.number)
    return TrialEnd(plan.number, value)


class _EarlierPruner(optuna.pruners.BasePruner):
    """Pruner that compares with the trials before a round.

    Args:
        pruner: which decides.
        before: number of the first trial of the round.
    """

    def __init__(self, pruner: optuna.pruners.BasePruner, before: int) -> None:
        self._pruner, self._before = pruner, before

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Return whether to stop a trial."""
        earlier: Any = _EarlierTrials(study, self._before)
        return self._pruner.prune(earlier, trial)


class _EarlierTrials:
    """A study as it was before a round."""

    def __init__(self, study: optuna.Study, before: int) -> None:
        self._study, self._before = study, before
        self.direction = study.direction

    def get_trials(self, **options: Any) -> list[optuna.trial.FrozenTrial]:
        """Return the trials of the study that began before the round."""
        trials = self._study.get_trials(**options)
        return [trial for trial in trials if trial.number < self._before]
