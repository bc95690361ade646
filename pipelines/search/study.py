"""Optuna study of a search: storage, resumption and pruning of trials.

The settings of a trial depend only on the seed and on the trials that ended before it,
so that a stopped search resumes with the same trials.

The study has its own database: Optuna and MLflow both store the number of their
migrations in a table ``alembic_version``, so one database cannot hold both.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from forecasting.data.panel import Panel
from forecasting.training import EpochRecord
from model_registry.addresses import without_password
from pipelines.config.job import Job
from pipelines.errors import StudyError
from pipelines.search.search_space import SearchSpace
from pipelines.tracking.access import first_line

STORAGE_FILE = "recast-tune.db"
ENDED_STATES = (TrialState.COMPLETE, TrialState.PRUNED)
HEARTBEAT_SECONDS, GRACE_SECONDS = 10, 30  # a trial silent for longer is dead

# Epochs at which a trial may be pruned.
PRUNING_EPOCHS = frozenset(2**k for k in range(2, 17))
MIN_TRIALS_BEFORE_PRUNING = 5


def default_storage(tracking_uri: str) -> str:
    """Return the URL of a SQLite file beside MLflow's.

    It is in the working folder if MLflow's store is not a SQLite file.
    """
    prefix = "sqlite:///"
    if not tracking_uri.startswith(prefix):
        return prefix + STORAGE_FILE
    return prefix + str(Path(tracking_uri.removeprefix(prefix)).parent / STORAGE_FILE)


def name_study(job: Job, panel: Panel, space: SearchSpace) -> str:
    """Return the job's name with a digest of the data, the settings and the space.

    A search on other data, or over another space, has another name.
    """
    settings = job.model_dump(mode="json", include={"windows", "model", "evaluation"})
    settings["training"] = job.model_dump(mode="json")["training"]
    for name in ("device", "checkpoint"):
        del settings["training"][name]
    searched = {"choices": dict(space.choices), "rates": space.rates}
    digest = hashlib.sha256(json.dumps([settings, searched]).encode())
    digest.update(repr(panel.series_ids).encode())
    for array in (panel.offsets, panel.values, panel.timestamps):
        digest.update(array.tobytes())
    return f"{job.name}-{digest.hexdigest()[:12]}"


@contextmanager
def open_study(url: str, name: str) -> Iterator[optuna.Study]:
    """Create or resume a study for the length of a block.

    Raises:
        StudyError: the database does not answer, or belongs to another program.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        _refuse_foreign_database(url)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of the heartbeat
            storage = RDBStorage(
                url, heartbeat_interval=HEARTBEAT_SECONDS, grace_period=GRACE_SECONDS
            )
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=MIN_TRIALS_BEFORE_PRUNING
            ),
        )
    except (
        sqlalchemy.exc.SQLAlchemyError,
        StorageInternalError,
        ImportError,
        RuntimeError,
    ) as error:
        raise StudyError(without_password(url), first_line(error)) from error
    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _refuse_foreign_database(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    try:
        tables = sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if "alembic_version" in tables and "studies" not in tables:
        raise RuntimeError("another program's tables are there")


def ended_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that are complete or pruned."""
    return study.get_trials(deepcopy=False, states=ENDED_STATES)


def run_trials(
    study: optuna.Study,
    objective: Callable[[optuna.Trial], float],
    space: SearchSpace,
    *,
    trials: int,
    seed: int,
    cut: int | None = None,
) -> Iterator[optuna.trial.FrozenTrial]:
    """Run trials until ``trials`` have ended; yield each new one at its end.

    The first trial is the unchanged job.

    Args:
        study, objective, space, seed: of the search.
        trials: number in all.
        cut: number of the trial that was running when an earlier process was cut; it
            goes on first.
    """
    if cut is not None:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number == cut:
                _finish_trial(study, trial, objective)
                yield study.get_trials(deepcopy=False)[cut]
    while (ended := len(ended_trials(study))) < trials:
        study.sampler = make_sampler(seed, ended)
        if not ended:
            study.enqueue_trial({name: space.start[name] for name in space.names})
        study.optimize(objective, n_trials=1)
        yield study.get_trials(deepcopy=False)[-1]


def make_sampler(seed: int, ended: int) -> optuna.samplers.TPESampler:
    """Return a sampler that depends on the seed and the ended trials alone."""
    return optuna.samplers.TPESampler(seed=(seed + ended) % 2**32)


def _finish_trial(
    study: optuna.Study,
    running: optuna.trial.FrozenTrial,
    objective: Callable[[optuna.Trial], float],
) -> None:
    """Run a trial again that was cut, under its number and with its settings."""
    trial = optuna.Trial(study, running._trial_id)
    try:
        value = objective(trial)
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, value)


class PruningCallback:
    """Epoch callback that stops a trial with a loss above the median of the others.

    Args:
        trial: the running trial.
        naive: loss of the naive forecast, the unit of the reported losses; see
            `forecasting.forecaster.validation.naive_loss`.
    """

    def __init__(self, trial: optuna.Trial, naive: float) -> None:
        self._trial, self._naive, self._best = trial, naive, math.inf
        [frozen] = [t for t in trial.study.get_trials() if t.number == trial.number]
        self._reported = set(frozen.intermediate_values)  # before it was cut

    def __call__(self, record: EpochRecord) -> None:
        """Report the best loss so far, for the first training of the first member.

        Raises:
            TrialPruned: the loss is above the median of the other trials.
        """
        if record.member or record.refit or not self._naive > 0:
            return
        self._best = min(self._best, record.validation_loss / self._naive)
        if record.epoch in PRUNING_EPOCHS and math.isfinite(self._best):
            if record.epoch not in self._reported:
                self._trial.report(self._best, record.epoch)
            if self._trial.should_prune():
                raise optuna.TrialPruned(f"behind the median at epoch {record.epoch}")
