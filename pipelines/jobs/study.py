"""Where a search keeps its trials, so that a stopped one goes on.

What the next trial tries follows from the seed and the trials that ended before it,
and from nothing else: a search that was stopped goes on as if it had not been.

The store is a database of its own. Optuna and MLflow both keep the number of their
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
from pipelines.config.job import Job
from pipelines.errors import StudyError
from pipelines.jobs.search_space import Space
from pipelines.tracking.access import first_line, without_password

STORE = "recast-tune.db"


ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


HEARTBEAT, GRACE = 10, 30  # seconds; a trial silent for longer is dead


RUNGS = frozenset(2**k for k in range(2, 17))  # epochs at which a trial may be pruned


UNPRUNED = 5  # trials before any is


def default_storage(tracking_uri: str) -> str:
    """Return the SQLite file beside MLflow's, or in this folder where it has none."""
    prefix = "sqlite:///"
    if not tracking_uri.startswith(prefix):
        return prefix + STORE
    return prefix + str(Path(tracking_uri.removeprefix(prefix)).parent / STORE)


def name_study(job: Job, panel: Panel, space: Space) -> str:
    """Return the job's name and a digest of the data, the settings and the space.

    A search on other data, or of something else, has another name.
    """
    settings = job.model_dump(mode="json", include={"windows", "model", "evaluation"})
    settings["training"] = job.model_dump(mode="json")["training"]
    del settings["training"]["device"]
    searched = {"choices": dict(space.choices), "rates": space.rates}
    digest = hashlib.sha256(json.dumps([settings, searched]).encode())
    digest.update(repr(panel.series_ids).encode())
    for array in (panel.offsets, panel.values, panel.timestamps):
        digest.update(array.tobytes())
    return f"{job.name}-{digest.hexdigest()[:12]}"


@contextmanager
def open_study(url: str, name: str) -> Iterator[optuna.Study]:
    """Open a study for the length of a block; a new one, or one that was stopped.

    Raises:
        StudyError: the database does not answer, or belongs to something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        _refuse_foreign(url)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # of the heartbeat
            storage = RDBStorage(url, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
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


def _refuse_foreign(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    try:
        tables = sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if "alembic_version" in tables and "studies" not in tables:
        raise RuntimeError("another program's tables are there")


def ended_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the trials that came to an end, by themselves or pruned."""
    return study.get_trials(deepcopy=False, states=ENDED)


def run_trials(
    study: optuna.Study,
    objective: Callable[[optuna.Trial], float],
    space: Space,
    *,
    trials: int,
    seed: int,
) -> Iterator[optuna.trial.FrozenTrial]:
    """Run what is missing to ``trials`` ended ones; yield each when it has ended.

    The first is the job as it stands.
    """
    while (ended := len(ended_trials(study))) < trials:
        study.sampler = optuna.samplers.TPESampler(seed=(seed + ended) % 2**32)
        if not ended:
            own = {name: space.start[name] for name in space.names}
            study.enqueue_trial(own)
        study.optimize(objective, n_trials=1)
        yield study.get_trials(deepcopy=False)[-1]


class Pruning:
    """Ends a trial whose loss lies behind the others' at the same epoch.

    Args:
        trial: whose.
        naive: what its loss is divided by, see `forecasting.forecaster.validation`.
    """

    def __init__(self, trial: optuna.Trial, naive: float) -> None:
        self._trial, self._naive, self._best = trial, naive, math.inf

    def __call__(self, record: EpochRecord) -> None:
        """Take an epoch's record, of the first member's first training.

        Raises:
            TrialPruned: the trial is not worth going on.
        """
        if record.member or record.refit or not self._naive > 0:
            return
        self._best = min(self._best, record.validation_loss / self._naive)
        if record.epoch in RUNGS and math.isfinite(self._best):
            self._trial.report(self._best, record.epoch)
            if self._trial.should_prune():
                raise optuna.TrialPruned(f"behind the median at epoch {record.epoch}")
