"""Tune job: hyper-parameter search with a nested MLflow run per trial.

Trials are scored on separate folds, which end before the first fold of the backtest
begins; they receive no later observation. The best settings are then trained,
backtested, registered and considered for promotion as by ``recast train``.
"""

import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

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
from pipelines.config.job import Job
from pipelines.errors import InputError
from pipelines.jobs.experiment import Experiment, make_forecaster
from pipelines.jobs.registration import Outcome, register_final_model
from pipelines.jobs.search_space import SearchSpace, make_search_space
from pipelines.jobs.study import (
    PruningCallback,
    default_storage,
    ended_trials,
    name_study,
    open_study,
    run_trials,
)
from pipelines.jobs.train import evaluate
from pipelines.output import plots
from pipelines.output.progress import Work, count_trainings, show_work
from pipelines.output.summary import show_series
from pipelines.tracking.metrics import log_metrics
from pipelines.tracking.runs import (
    connect,
    log_dataset,
    make_dataset,
    name_run,
    tracked_run,
)


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
    job: Job, console: Console, *, trials: int = 20, storage: str | None = None
) -> TuneResult:
    """Search the settings that a job leaves open, and train the best.

    Args:
        job: its explicit settings are not searched.
        console: output of the progress.
        trials: number in all; those of a stopped search of the same job are counted.
        storage: URL of the trials' database; default see `default_storage`.

    Raises:
        DataError: the series cannot be used; nothing has been written.
        InputError: the job leaves nothing to search, or every trial diverged.
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
    show_series(console, experiment.panel, job)
    search = Search(job, experiment, console)
    url = storage or default_storage(connect())
    with (
        open_study(url, search.name) as study,
        tracked_run(
            job, name_run(job.name, "tune"), settings=experiment.settings
        ) as run,
        ExitStack() as stack,
    ):
        mlflow.set_tag("study", search.name)
        log_dataset(make_dataset(experiment.panel, job))
        missing = max(trials - len(ended_trials(study)), 0)
        work = stack.enter_context(show_work(console, parts=missing + 2))
        search.run(study, trials, work)
        table = list_trials(study, search.space)
        best = _best_trial(study)
        folds = replace(job.evaluation, folds=len(experiment.folds))
        winner = job.replace(best.params).model_copy(update={"evaluation": folds})
        _log_search(table, winner, best, job.evaluation.metric)
        final = Experiment(winner, experiment.panel)
        result = evaluate(final, winner, run, work)
        outcome = register_final_model(final, winner, result, run, work)
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
        self.experiment = Experiment(self.job, earlier)
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

    def run(self, study: optuna.Study, trials: int, work: Work) -> None:
        """Run the missing trials and print the error of each."""
        self._trials = trials
        seed, run_trial = self.job.training.seed, partial(self._run_trial, work)
        ended = run_trials(study, run_trial, self.space, trials=trials, seed=seed)
        for trial in ended:
            complete = trial.state == TrialState.COMPLETE
            metric = self.job.evaluation.metric
            result = f"{metric} {trial.value:.4g}" if complete else "pruned"
            self._console.print(f"trial {trial.number}: {result}")

    def _run_trial(self, work: Work, trial: optuna.Trial) -> float:
        """Run one trial in a nested MLflow run and return its error."""
        job = self.job.replace(self.space.suggest(trial))
        values = (f"{n.split('.')[1]}={_shown(v)}" for n, v in trial.params.items())
        name = f"trial {trial.number}: {' '.join(values)}"
        settings = self.experiment.settings
        with tracked_run(job, name, settings=settings, nested=True) as run:
            log_dataset(self._dataset)
            trial.set_user_attr("run_id", run.info.run_id)
            mlflow.set_tags({"study": self.name, "trial": trial.number})
            try:
                value = self._evaluate(job, trial, work)
            except (optuna.TrialPruned, TrainingDiverged) as error:
                mlflow.set_tags({"state": "pruned", "reason": str(error)})
                value = None
            else:
                mlflow.set_tag("state", "complete")
        if value is None:
            raise optuna.TrialPruned
        return value

    def _evaluate(self, job: Job, trial: optuna.Trial, work: Work) -> float:
        training_panel = observed_by(self.experiment.panel, self.experiment.folds[0])
        naive = naive_loss(training_panel, make_forecaster(job).config)
        prune = PruningCallback(trial, naive)
        count = len(ended_trials(trial.study)) + 1
        title = f"{job.name}: trial {count} of {self._trials}"
        trainings = count_trainings(job, len(self.experiment.folds))
        with work.part(title, trainings) as show:

            def on_epoch(record: EpochRecord) -> None:
                show(record)
                prune(record)

            result = self.experiment.evaluate(job, on_epoch)
        row = self.experiment.scores(result.table).iloc[0]
        log_metrics({f"search/{name}": float(v) for name, v in row.items()})
        log_metrics({"timing/seconds": result.seconds})
        mlflow.log_param("model.normalization", result.forecaster.trained.method)
        value = float(row[job.evaluation.metric])
        # A scaled metric is undefined for a constant series.
        return value if math.isfinite(value) else float(row["mae"])


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
    mlflow.log_table(trials, "trials.json")
    mlflow.log_figure(plots.plot_search(trials, metric), "plots/search.png")
    mlflow.log_text(winner.to_yaml(), "winner.yaml")
    mlflow.set_tags({f"best.{name}": value for name, value in best.params.items()})
    value = math.nan if best.value is None else best.value
    log_metrics({"search/trials": len(trials), "search/best_value": value})
    mlflow.set_tag("best_trial", best.number)
