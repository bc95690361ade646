"""Hyper-parameter search: a parent run, a nested run a trial, the winner registered.

Trials are measured on folds of their own, which end before the first fold of the
backtest begins; what lies behind that is not even handed to them. The winner is then
trained, backtested, registered and judged as `recast train` would.
"""

import math
from dataclasses import dataclass, replace

import mlflow
import optuna
import pandas as pd
from optuna.trial import TrialState
from rich.console import Console

from forecasting.data.panel import Panel
from forecasting.data.splits import automatic_folds
from forecasting.errors import SettingError, TrainingDiverged
from forecasting.forecaster.validation import naive_loss
from forecasting.training import EpochRecord
from pipelines.config.job import Job
from pipelines.errors import InputError
from pipelines.jobs.experiment import Experiment
from pipelines.jobs.search_space import Space, make_space
from pipelines.jobs.study import (
    Pruning,
    default_storage,
    ended_trials,
    name_study,
    open_study,
    run_trials,
)
from pipelines.jobs.train import Outcome, finish, measure
from pipelines.output import plots
from pipelines.output.progress import training_progress
from pipelines.tracking.metrics import log_metrics
from pipelines.tracking.runs import connect, log_dataset, tracked_run


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found.

    Attributes:
        outcome: of training the winner.
        job: the winner, as a job.
        best: the number of its trial.
        trials: what `list_trials` returned.
    """

    outcome: Outcome
    job: Job
    best: int
    trials: pd.DataFrame


def tune(
    job: Job, console: Console, *, trials: int = 20, storage: str | None = None
) -> Tuned:
    """Search the settings that a job leaves open, and train the best.

    Args:
        job: what it was given stays fixed.
        console: where progress is shown.
        trials: how many in all; those of an earlier search of the same are counted.
        storage: URL of the database that keeps them.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        InputError: nothing is left to search, or no trial came to an end.
        StudyError: the database of the trials cannot be used.
        TrackingError: MLflow does not answer; nothing has been written.
    """
    if job.preset == "accurate":
        raise SettingError(
            "preset",
            job.preset,
            "classic or guarded: a search makes choices of its own",
        )
    experiment = Experiment(job)
    job = experiment.job
    search = Search(job, experiment, console)
    url = storage or default_storage(connect())
    with (
        open_study(url, search.name) as study,
        tracked_run(job, f"{job.name} tune") as run,
    ):
        mlflow.set_tag("study", search.name)
        log_dataset(experiment.panel, job)
        search.run(study, trials)
        found = list_trials(study, search.space)
        best = _best_trial(study)
        folds = replace(job.evaluation, folds=len(experiment.folds))
        winner = job.replace(best.params).model_copy(update={"evaluation": folds})
        _log_search(found, winner, best, job.evaluation.metric)
        final = Experiment(winner, experiment.panel)
        measured = measure(final, winner, run, console)
        outcome = finish(final, winner, measured, run, console)
        return Tuned(outcome, winner, best.number, found)


class Search:
    """The trials of one search: what they may see, and how one is run.

    Args:
        job: what is searched.
        experiment: its series and the folds that no trial sees.
        console: where progress is shown.
    """

    def __init__(self, job: Job, experiment: Experiment, console: Console) -> None:
        earlier: Panel = experiment.panel.until(experiment.folds[0].ends)
        spec = job.windows
        folds = min(
            len(experiment.folds),
            automatic_folds(earlier, seq_len=spec.seq_len, horizon=spec.horizon),
        )
        evaluation = replace(job.evaluation, folds=folds, refit=False)
        self.job = job.model_copy(update={"evaluation": evaluation})
        self.experiment = Experiment(self.job, earlier)
        self.space: Space = make_space(
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
        self._console = console
        self._trials = 0

    def run(self, study: optuna.Study, trials: int) -> None:
        """Run the trials that are missing, and say how each did."""
        self._trials = trials
        seed = self.job.training.seed
        ran = run_trials(study, self._try, self.space, trials=trials, seed=seed)
        for trial in ran:
            complete = trial.state == TrialState.COMPLETE
            metric = self.job.evaluation.metric
            said = f"{metric} {trial.value:.4g}" if complete else "pruned"
            self._console.print(f"trial {trial.number}: {said}")

    def _try(self, trial: optuna.Trial) -> float:
        """Run one trial in a nested run; return its error."""
        job = self.job.replace(self.space.suggest(trial))
        name = f"{job.name} trial {trial.number}"
        with tracked_run(job, name, nested=True) as run:
            trial.set_user_attr("run_id", run.info.run_id)
            mlflow.set_tags({"study": self.name, "trial": trial.number})
            try:
                value = self._measure(job, trial)
            except (optuna.TrialPruned, TrainingDiverged) as error:
                mlflow.set_tags({"state": "pruned", "reason": str(error)})
                value = None
            else:
                mlflow.set_tag("state", "complete")
        if value is None:
            raise optuna.TrialPruned
        return value

    def _measure(self, job: Job, trial: optuna.Trial) -> float:
        ends = self.experiment.folds[0].ends
        seen = self.experiment.panel.until(ends)
        prune = Pruning(trial, naive_loss(seen, job.windows, job.model, job.training))
        count = len(ended_trials(trial.study)) + 1
        title = f"{job.name}: trial {count} of {self._trials}"
        with training_progress(self._console, title) as show:

            def on_epoch(record: EpochRecord) -> None:
                show(record)
                prune(record)

            measured = self.experiment.measure(job, on_epoch)
        row = self.experiment.scores(measured.table).iloc[0]
        log_metrics({str(k): float(v) for k, v in row.items()})
        log_metrics({"seconds": measured.seconds})
        value = float(row[job.evaluation.metric])
        return value if math.isfinite(value) else float(row["mae"])  # no scale


def list_trials(study: optuna.Study, space: Space) -> pd.DataFrame:
    """Return a row a trial that ended, best first, those that were pruned last.

    The columns are ``trial, state, value, run_id, seconds`` and the settings by their
    dotted path.
    """
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            # what a pruned trial has for a value is the last loss that it reported
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


def _best_trial(study: optuna.Study) -> optuna.trial.FrozenTrial:
    try:
        return study.best_trial
    except ValueError:
        raise InputError(
            "every trial diverged: the loss was no finite number. Set a lower "
            "training.learning_rate, or training.clip_norm."
        ) from None


def _log_search(
    found: pd.DataFrame, winner: Job, best: optuna.trial.FrozenTrial, metric: str
) -> None:
    """Log what was tried and what won to the open run."""
    mlflow.log_table(found, "trials.json")
    mlflow.log_figure(plots.plot_search(found, metric), "plots/search.png")
    mlflow.log_text(winner.to_yaml(), "winner.yaml")
    mlflow.set_tags({f"best.{name}": value for name, value in best.params.items()})
    log_metrics({"trials": len(found), "best_value": best.value or math.nan})
    mlflow.set_tag("best_trial", best.number)
