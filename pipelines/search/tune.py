"""Tune job: hyper-parameter search with a nested MLflow run per trial.

Trials are scored on separate folds, which end before the first fold of the backtest
begins; they receive no later observation. The best settings are then trained,
backtested, registered and considered for promotion as by ``recast train``.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import mlflow
import optuna
import pandas as pd
from optuna.trial import TrialState
from rich.console import Console

from forecasting.data.panel import Panel
from forecasting.data.splits import automatic_folds, observed_by
from forecasting.errors import SettingError, TrainingDiverged
from forecasting.forecaster.validation import naive_loss
from forecasting.training import EpochRecord
from pipelines.checkpoints.opening import WorkOptions, folder_opener
from pipelines.checkpoints.resumed_run import resumed_run
from pipelines.checkpoints.work_folder import WorkFolder
from pipelines.config.job import Job
from pipelines.errors import InputError
from pipelines.jobs.experiment import Experiment, make_forecaster
from pipelines.jobs.registration import Outcome, register_final_model
from pipelines.jobs.train import evaluate
from pipelines.output import plots
from pipelines.output.progress import Work, count_trainings, show_work
from pipelines.output.summary import show_notes, show_series
from pipelines.search.rounds import Parallel, TrialPlan, plan_source, run_rounds
from pipelines.search.search_space import SearchSpace, make_search_space
from pipelines.search.study import (
    PruningCallback,
    default_storage,
    ended_trials,
    name_study,
    open_study,
    run_trials,
)
from pipelines.tracking.metrics import log_metrics, log_table
from pipelines.tracking.registry import FORECAST, check_task
from pipelines.tracking.runs import (
    connect,
    log_dataset,
    make_dataset,
    name_run,
)

TRIAL = "trial"  # key of the journal: the trial that runs


@dataclass(frozen=True, slots=True)
class TuneResult:
    """Result of a search.

    Attributes:
        outcome: result of training the best settings.
        job: the job with the best settings.
        best: number of the best trial.
        trials: all trials, as returned by `list_trials`.
    """

    outcome: Outcome
    job: Job
    best: int
    trials: pd.DataFrame


def tune(
    job: Job,
    console: Console,
    *,
    trials: int = 20,
    storage: str | None = None,
    work: WorkOptions | None = None,
    parallel: Parallel | None = None,
) -> TuneResult:
    """Search the settings that a job leaves open, and train the best.

    Args:
        job: its explicit settings are not searched.
        console: output of the progress.
        trials: number in all; those of a stopped search of the same job are counted.
        storage: URL of the trials' database; default see `default_storage`.
        work: whether to go on from the unfinished work of the same job; default: not.
            Trials that have ended count in any case.
        parallel: place for several trials at once; None to run one after another here.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        InputError: the job leaves nothing to search, or every trial diverged.
        StudyError: the database of the trials cannot be used.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    if job.preset in ("accurate", "zero_shot"):
        raise SettingError(
            "preset",
            job.preset,
            "classic or guarded: a search makes choices of its own",
        )
    job.check_for_each("tune")
    command, text, source = f"tune {trials}", job.explicit_yaml(), plan_source(job)
    if parallel is not None:
        command += f" --parallel {parallel.count}"
    open_folder = folder_opener(work or WorkOptions(), command)
    experiment = Experiment(job, open_folder=open_folder)
    job, folder = experiment.job, experiment.folder
    show_series(console, experiment.panel, job)
    show_notes(console, folder.notes)
    with folder.released_on_error():
        search = Search(job, experiment, console)
        url = storage or default_storage(connect())
        check_task(job.name, FORECAST)
    name = name_run(job.name, "tune")
    with (
        folder,
        open_study(url, search.name) as study,
        resumed_run(folder, job, name, settings=experiment.settings) as run,
        ExitStack() as stack,
    ):
        mlflow.set_tag("study", search.name)
        log_dataset(make_dataset(experiment.panel, job))
        missing = max(trials - len(ended_trials(study)), 0)
        progress = stack.enter_context(show_work(console, parts=missing + 2))
        if parallel is None:
            search.run(study, trials, progress)
        else:
            make_plan = partial(
                _plan_trial,
                study=search.name,
                storage=url,
                job=text,
                source=source,
                trials=trials,
                parent=run.info.run_id,
                folder=folder,
            )
            search.run_rounds(study, trials, progress, parallel, make_plan)
        table = list_trials(study, search.space)
        best = _best_trial(study)
        folds = replace(job.evaluation, folds=len(experiment.folds))
        winner = job.replace(best.params).model_copy(update={"evaluation": folds})
        _log_search(table, winner, best, job.evaluation.metric)
        final = Experiment(
            winner, experiment.panel, open_folder=lambda *_: folder.under("best")
        )
        result = evaluate(final, winner, run, progress)
        outcome = register_final_model(final, winner, result, run, progress)
        return TuneResult(outcome, winner, best.number, table)


class Search:
    """The trials of one search, on the observations before the backtest.

    Args:
        job: job whose open settings are searched.
        experiment: the job's series and backtest folds.
        console: output of the progress.
    """

    def __init__(self, job: Job, experiment: Experiment, console: Console) -> None:
        earlier: Panel = observed_by(experiment.panel, experiment.folds[0])
        spec = job.windows
        folds = min(
            len(experiment.folds),
            automatic_folds(earlier, seq_len=spec.seq_len, horizon=spec.horizon),
        )
        evaluation = replace(job.evaluation, folds=folds, refit=False)
        self.job = job.model_copy(update={"evaluation": evaluation})
        self.folder = experiment.folder.under("search")
        self.experiment = Experiment(
            self.job, earlier, open_folder=lambda *_: self.folder
        )
        self.space: SearchSpace = make_search_space(
            job,
            experiment.panel,
            season_length=experiment.season_length,
            longest=int(self.experiment.folds[0].ends.min()),
        )
        if not self.space.names:
            raise InputError(
                f"{job.name}: there is nothing to search, for the job sets everything "
                "that a search would. Leave out what shall be searched."
            )
        self.name = name_study(self.job, earlier, self.space)
        self._dataset = make_dataset(earlier, job)
        self._console = console
        self._trials = 0

    def run(self, study: optuna.Study, trials: int, progress: Work) -> None:
        """Run the missing trials and print the error of each."""
        self._trials = trials
        ended = run_trials(
            study,
            partial(self._run_next, progress),
            self.space,
            trials=trials,
            seed=self.job.training.seed,
            cut=self.folder.journal.get(TRIAL),
        )
        for trial in ended:
            self._print(trial)

    def run_rounds(
        self,
        study: optuna.Study,
        trials: int,
        progress: Work,
        parallel: Parallel,
        make_plan: Callable[[optuna.trial.FrozenTrial, int], TrialPlan],
    ) -> None:
        """Run the missing trials, several at once, and print the error of each."""
        ended = run_rounds(
            study,
            self.space,
            parallel,
            self.folder,
            make_plan,
            trials=trials,
            seed=self.job.training.seed,
        )
        for trial in ended:
            with progress.part("", 1):  # its epochs are those of another process
                self._print(trial)

    def _print(self, trial: optuna.trial.FrozenTrial) -> None:
        complete = trial.state == TrialState.COMPLETE
        metric = self.job.evaluation.metric
        result = f"{metric} {trial.value:.4g}" if complete else "pruned"
        self._console.print(f"trial {trial.number}: {result}")

    def run_trial(self, trial: optuna.Trial, trials: int, parent: str) -> float:
        """Run one trial for the search of another process and return its error.

        Args:
            trial: with its settings.
            trials: of the search in all.
            parent: MLflow run of the search.

        Raises:
            TrialPruned: the trial was stopped early.
        """
        self._trials = trials
        mlflow.set_experiment(self.job.name)
        with show_work(self._console, parts=1) as progress:
            return self._run_trial(progress, trial, parent)

    def _run_next(self, progress: Work, trial: optuna.Trial) -> float:
        """Run one trial of this process and return its error."""
        self.folder.note(TRIAL, trial.number)
        return self._run_trial(progress, trial)

    def _run_trial(
        self, progress: Work, trial: optuna.Trial, parent: str | None = None
    ) -> float:
        """Run one trial in a nested MLflow run and return its error."""
        folder = self.folder.under(f"trial {trial.number}")
        job = self.job.replace(self.space.suggest(trial))
        values = (f"{n.split('.')[1]}={_shown(v)}" for n, v in trial.params.items())
        name = f"trial {trial.number}: {' '.join(values)}"
        settings = self.experiment.settings
        with resumed_run(
            folder, job, name, settings=settings, nested=True, parent=parent
        ) as run:
            log_dataset(self._dataset)
            trial.set_user_attr("run_id", run.info.run_id)
            mlflow.set_tags({"study": self.name, "trial": trial.number})
            try:
                value = self._evaluate(job, trial, progress)
            except (optuna.TrialPruned, TrainingDiverged) as error:
                mlflow.set_tags({"state": "pruned", "reason": str(error)})
                value = None
            else:
                mlflow.set_tag("state", "complete")
        if value is None:
            raise optuna.TrialPruned
        return value

    def _evaluate(self, job: Job, trial: optuna.Trial, progress: Work) -> float:
        training_panel = observed_by(self.experiment.panel, self.experiment.folds[0])
        naive = naive_loss(training_panel, make_forecaster(job).config)
        prune = PruningCallback(trial, naive)
        count = len(ended_trials(trial.study)) + 1
        title = f"{job.name}: trial {count} of {self._trials}"
        trainings = count_trainings(job, len(self.experiment.folds))
        with progress.part(title, trainings) as show:

            def on_epoch(record: EpochRecord) -> None:
                show(record)
                prune(record)

            part = f"trial {trial.number}"
            result = self.experiment.evaluate(job, on_epoch, part)
        row = self.experiment.comparison.scores(result.table).iloc[0]
        log_metrics({f"search/{name}": float(v) for name, v in row.items()})
        log_metrics({"timing/seconds": result.seconds})
        mlflow.log_param("model.normalization", result.normalization)
        value = float(row[job.evaluation.metric])
        # A scaled metric is undefined for a constant series.
        return value if math.isfinite(value) else float(row["mae"])


def _plan_trial(
    trial: optuna.trial.FrozenTrial, before: int, *, folder: WorkFolder, **facts: Any
) -> TrialPlan:
    """Return a trial of a search as plain values, for another process."""
    return TrialPlan(
        number=trial.number,
        identifier=trial._trial_id,
        before=before,
        folder=None if folder.path is None else folder.path.absolute(),
        identity=dict(folder.identity),
        every_seconds=folder.clock.every_seconds,
        is_resumed=folder.is_resumed,
        **facts,
    )


def list_trials(study: optuna.Study, space: SearchSpace) -> pd.DataFrame:
    """Return a row per ended trial, best first, the pruned ones last.

    The columns are ``trial, state, value, run_id, seconds`` and the settings by their
    dotted path.
    """
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            # Optuna's value of a pruned trial is its last reported loss.
            "value": trial.value if trial.state == TrialState.COMPLETE else math.nan,
            "run_id": trial.user_attrs.get("run_id"),
            "seconds": _seconds(trial),
            **{name: trial.params.get(name) for name in space.names},
        }
        for trial in ended_trials(study)
    ]
    return pd.DataFrame(rows).sort_values("value", kind="stable", ignore_index=True)


def _seconds(trial: optuna.trial.FrozenTrial) -> float:
    return trial.duration.total_seconds() if trial.duration else math.nan


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _best_trial(study: optuna.Study) -> optuna.trial.FrozenTrial:
    try:
        return study.best_trial
    except ValueError:
        raise InputError(
            "every trial diverged: the loss was no finite number. Set a lower "
            "training.learning_rate, or training.clip_norm."
        ) from None


def _log_search(
    trials: pd.DataFrame, winner: Job, best: optuna.trial.FrozenTrial, metric: str
) -> None:
    """Log the trials and the best settings to the open run."""
    log_table(trials, "trials.json")
    mlflow.log_figure(plots.plot_search(trials, metric), "plots/search.png")
    mlflow.log_text(winner.to_yaml(), "winner.yaml")
    mlflow.set_tags({f"best.{name}": value for name, value in best.params.items()})
    value = math.nan if best.value is None else best.value
    log_metrics({"search/trials": len(trials), "search/best_value": value})
    mlflow.set_tag("best_trial", best.number)
