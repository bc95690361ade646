"""The gate: whether a new version takes the alias from the one that holds it.

The two are compared on the same origins, by forecasts that neither had seen:

1. the forecasts that the champion's own backtest recorded, where these stand on the
   origins of the new one;
2. else what the champion forecasts now from origins that lie after its training;
3. else what it forecasts now from every origin, most of which it was trained on: a
   comparison in the champion's favour, and the verdict says so.
"""

import tempfile
from dataclasses import dataclass

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from forecasting.data.splits import Origins
from forecasting.errors import ForecastingError
from forecasting.evaluation.backtest import forecast_table
from forecasting.evaluation.scores import score
from forecasting.forecaster.forecaster import Forecaster
from pipelines.errors import AccessDenied
from pipelines.jobs.experiment import Experiment
from pipelines.tracking.access import without_password
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import champion_of
from pipelines.tracking.runs import quiet_mlflow

RECORD = "backtest.csv.gz"  # the artifact that holds a run's backtest


KEY = ["series_id", "cutoff", "step"]


TIE = 1e-9  # of an error: a smaller gain is rounding, of arithmetic or of the record


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version may take the alias, and why.

    Attributes:
        promote: it may.
        reason: one sentence for a person.
        warning: what the person should worry about, if anything.
    """

    promote: bool
    reason: str
    warning: str | None = None


def judge(experiment: Experiment, table: pd.DataFrame, label: str) -> Verdict:
    """Compare a new model with the version that holds the alias.

    Args:
        experiment: its series, folds and settings.
        table: its backtest, baselines included.
        label: its name in the table.
    """
    registry = experiment.job.registry
    warning = _baseline_warning(experiment, table, label)
    if registry.promote != "if_better":
        always = registry.promote == "always"
        return Verdict(always, f"promote is set to {registry.promote}", warning)
    champion = champion_of(experiment.job.name, registry.alias)
    if champion is None:
        return Verdict(True, f"the first to be {registry.alias}", warning)
    name = f"{registry.alias} (version {champion.version})"
    try:
        rival, how = _champion_forecasts(experiment, champion)
    except (ForecastingError, MlflowException, AccessDenied) as error:
        reason = f"{name} cannot be compared: {without_password(str(error))}"
        return Verdict(False, reason, warning)
    mine = table[table["model"] == label].assign(model="challenger")
    same = mine.merge(rival[KEY], on=KEY, how="inner")
    both = pd.concat([same, rival.assign(model="champion")], ignore_index=True)
    metric, errors = _errors(experiment, both)
    new, old = errors["challenger"], errors["champion"]
    better = new < old * (1 - TIE)
    reason = (
        f"{metric} {new:.4g} against {old:.4g} of {name} on "
        f"{len(same) // experiment.horizon} origins{how}"
    )
    return Verdict(better, reason, warning)


def _errors(
    experiment: Experiment, table: pd.DataFrame
) -> tuple[str, dict[str, float]]:
    """Return each model's error, and its metric: where the job's is undefined, mae."""
    metric = experiment.job.evaluation.metric
    scores = score(
        table,
        experiment.panel,
        experiment.folds,
        season_length=experiment.season_length,
        metric=metric,
    )
    if scores[metric].isna().any():  # constant series have no scale
        metric = "mae"
    return metric, {str(model): float(e) for model, e in scores[metric].items()}


def _baseline_warning(
    experiment: Experiment, table: pd.DataFrame, label: str
) -> str | None:
    metric, errors = _errors(experiment, table)
    simple = {name: errors[name] for name in experiment.baseline_names}
    best = min(simple, key=lambda name: simple[name])
    if errors[label] < simple[best]:
        return None
    season = experiment.season_length
    advice = "more data or a longer seq_len may help"
    if experiment.job.windows.seq_len < season:
        advice = f"a seq_len of {season} or more sees a whole season"
    return (
        f"{label} does not beat the {best.replace('_', ' ')} baseline "
        f"({metric} {errors[label]:.4g} against {simple[best]:.4g}): {advice}"
    )


def _champion_forecasts(
    experiment: Experiment, champion: ModelVersion
) -> tuple[pd.DataFrame, str]:
    """Return the champion's forecasts on shared origins, and how they came about."""
    recorded = _recorded(experiment, champion)
    if recorded is not None:
        return recorded, ""
    forecaster = load_forecaster(champion)
    origins = experiment.origins
    unseen = _after_training(experiment, forecaster)
    how = " that came after its training"
    if not unseen.any():
        unseen = np.ones(len(origins), dtype=bool)
        how = f", most of which {champion.name} {champion.version} was trained on"
    chosen = Origins(series=origins.series[unseen], ends=origins.ends[unseen])
    points = forecaster.forecast_at(experiment.panel, chosen, experiment.horizon)
    return forecast_table(experiment.panel, chosen, points, {}), how


def _after_training(experiment: Experiment, forecaster: Forecaster) -> np.ndarray:
    """Return which origins see nothing but what the champion was trained on."""
    assert forecaster.fitted is not None
    context = forecaster.fitted.context
    if context.timestamps.dtype != experiment.panel.timestamps.dtype:
        return np.zeros(len(experiment.origins), dtype=bool)  # steps against dates
    trained = dict(zip(context.series_ids, context.last_timestamps(), strict=True))
    origins, panel = experiment.origins, experiment.panel
    cutoffs = panel.timestamps[panel.offsets[origins.series] + origins.ends - 1]
    until = [trained.get(panel.series_ids[s]) for s in origins.series]
    return np.array(
        [
            last is None or bool(cutoff >= last)
            for cutoff, last in zip(cutoffs, until, strict=True)
        ]
    )


def _recorded(experiment: Experiment, champion: ModelVersion) -> pd.DataFrame | None:
    """Return the champion's recorded backtest where it stands on the same origins."""
    label = champion.tags.get("label")
    if not champion.run_id or not label:
        return None
    try:
        record = _read_record(champion.run_id)
    except (MlflowException, OSError):
        return None
    record = record[(record["model"] == label) & (record["step"] <= experiment.horizon)]
    wanted = forecast_table(
        experiment.panel,
        experiment.origins,
        np.zeros((len(experiment.origins), experiment.horizon)),
        {},
    ).drop(columns="point")
    try:
        record["cutoff"] = record["cutoff"].astype(wanted["cutoff"].dtype)
    except ValueError:  # dates then, steps now
        return None
    shared = wanted.merge(
        record[[*KEY, "actual", "point"]], on=KEY, suffixes=("", "_recorded")
    )
    revised = ~np.isclose(shared["actual"], shared["actual_recorded"], rtol=1e-9)
    if len(shared) < len(wanted) / 2 or revised.any():
        return None
    whole = shared.groupby(["series_id", "cutoff"])["step"].transform("size")
    return shared[whole == experiment.horizon].drop(columns="actual_recorded")


def _read_record(run_id: str) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        path = mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path=RECORD, dst_path=folder
        )
        return pd.read_csv(path, dtype={"series_id": str})
