"""Promotion gate: compares a new version with the champion before moving the alias.

A new version takes the alias if all of these hold:

- its series look like those of the champion: level, scale, share of zeros, length;
- it is not worse than the best simple baseline;
- its errors are lower than the champion's on the same origins, by more than one
  standard error of the differences. With fewer than `MIN_ORIGINS` origins that error
  says nothing, and a lower error is enough.

The champion's forecasts are the first of these that exist:

1. those of its recorded backtest, if it shares the origins and actual values;
2. its forecasts from the origins after its training;
3. its forecasts from all origins, most of which are in its training data: a comparison
   in the champion's favour, and the verdict says so.
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
from forecasting.types import FloatArray
from pipelines.errors import AccessDenied
from pipelines.jobs.experiment import Experiment
from pipelines.tracking.access import without_password
from pipelines.tracking.data_summary import DataSummary, compare_data
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import find_alias_target
from pipelines.tracking.runs import quiet_mlflow

BACKTEST_ARTIFACT = "backtest.csv.gz"  # artifact with a run's backtest
KEY_COLUMNS = ["series_id", "cutoff", "step"]
MIN_FOLDS = 3  # fewer are called almost no evidence
MIN_ORIGINS = 5  # cutoffs from which a standard error is computed
DATA_ADVICE = "check them, or promote it by hand: recast promote"
FLOOR_ADVICE = "to promote it all the same: recast promote"
TIE_TOLERANCE = 1e-9  # relative; a smaller gain is rounding, of arithmetic or the CSV


@dataclass(frozen=True, slots=True)
class Verdict:
    """Decision on a promotion, with its reason.

    Attributes:
        promote: whether the version takes the alias.
        reason: one sentence for the user.
        warning: a sentence if the model does not beat the baselines.
    """

    promote: bool
    reason: str
    warning: str | None = None


def judge(experiment: Experiment, table: pd.DataFrame, label: str) -> Verdict:
    """Compare a new model with the version that holds the alias.

    Args:
        experiment: series, folds and settings of the new model.
        table: backtest of the new model and of the baselines.
        label: name of the new model in the table.
    """
    registry = experiment.job.registry
    warning = _baseline_warning(experiment, table, label)
    if warning is None and len(experiment.folds) < MIN_FOLDS:
        count = len(experiment.folds)
        warning = f"{count} fold{'s' * (count > 1)} of evidence say almost nothing"
    if registry.promote != "if_better":
        always = registry.promote == "always"
        return Verdict(always, f"promote is set to {registry.promote}", warning)
    champion = find_alias_target(experiment.job.name, registry.alias)
    if champion is None:
        return Verdict(True, f"the first to be {registry.alias}", warning)
    name = f"{registry.alias} (version {champion.version})"
    try:
        better, reason = _compare(experiment, table, label, champion, name)
    except (ForecastingError, MlflowException, AccessDenied) as error:
        reason = f"{name} cannot be compared: {without_password(str(error))}"
        return Verdict(False, reason, warning)
    return Verdict(better, reason, warning)


def _compare(
    experiment: Experiment,
    table: pd.DataFrame,
    label: str,
    champion: ModelVersion,
    name: str,
) -> tuple[bool, str]:
    """Return whether the new version is better than the champion, and the reason."""
    changes = compare_data(DataSummary.read(champion.tags), experiment.summary)
    if changes:
        return (
            False,
            f"its series differ from those of {name}: {changes}; {DATA_ADVICE}",
        )
    rival, remark = _champion_forecasts(experiment, champion)
    challenger = table[table["model"] == label].assign(model="challenger")
    shared = challenger.merge(rival[KEY_COLUMNS], on=KEY_COLUMNS, how="inner")
    both = pd.concat([shared, rival.assign(model="champion")], ignore_index=True)
    metric, errors = _errors(experiment, both)
    new, old = errors["challenger"], errors["champion"]
    reason = (
        f"{metric} {new:.4g} against {old:.4g} of {name} on "
        f"{len(shared) // experiment.horizon} origins{remark}"
    )
    if new >= old * (1 - TIE_TOLERANCE):
        return False, reason
    if not is_clear(_differences(shared, rival)):
        return False, f"{reason}: no more than chance"
    floor = _find_floor(experiment, table, label)
    if floor:
        return False, f"{reason}, but {floor}; {FLOOR_ADVICE}"
    return True, reason


def is_clear(differences: FloatArray) -> bool:
    """Test whether errors are lower by more than one standard error.

    Args:
        differences: error of the champion minus that of the new version, one for each
            origin. Fewer than `MIN_ORIGINS` always count as clear.
    """
    if len(differences) < MIN_ORIGINS:
        return True
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return bool(differences.mean() > error)


def _differences(shared: pd.DataFrame, rival: pd.DataFrame) -> FloatArray:
    """Return how much lower the error of the new version is, at each cutoff.

    The errors of a series count by its mean error, so that no series dominates.
    """
    pairs = shared.merge(
        rival[[*KEY_COLUMNS, "point"]], on=KEY_COLUMNS, suffixes=("", "_old")
    )
    new = (pairs["point"] - pairs["actual"]).abs()
    old = (pairs["point_old"] - pairs["actual"]).abs()
    scale = (new + old).groupby(pairs["series_id"]).transform("mean")
    gain = ((old - new) / scale.where(scale > 0, 1.0)).groupby(pairs["cutoff"]).mean()
    return gain.to_numpy(dtype=np.float64)


def _find_floor(experiment: Experiment, table: pd.DataFrame, label: str) -> str:
    """Return in words the baseline that is better than the new version, if any."""
    _, errors = _errors(experiment, table)
    best = min(experiment.baseline_names, key=lambda name: errors[name])
    if errors[label] <= errors[best] * (1 + TIE_TOLERANCE):
        return ""
    return f"the {best.replace('_', ' ')} baseline has {errors[best]:.4g}"


def _errors(
    experiment: Experiment, table: pd.DataFrame
) -> tuple[str, dict[str, float]]:
    """Return the metric and each model's error; mae where the metric is undefined."""
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
    """Return the champion's forecasts on shared origins, and a remark on the origins.

    The remark completes the sentence of the verdict.
    """
    recorded = _recorded_forecasts(experiment, champion)
    if recorded is not None:
        return recorded, ""
    forecaster = load_forecaster(champion)
    origins = experiment.origins
    unseen = _origins_after_training(experiment, forecaster)
    remark = " that came after its training"
    if not unseen.any():
        unseen = np.ones(len(origins), dtype=bool)
        remark = f", most of which {champion.name} {champion.version} was trained on"
    selected = Origins(series=origins.series[unseen], ends=origins.ends[unseen])
    points = forecaster.forecast_at(experiment.panel, selected, experiment.horizon)
    return forecast_table(experiment.panel, selected, points, {}), remark


def _origins_after_training(
    experiment: Experiment, forecaster: Forecaster
) -> np.ndarray:
    """Return a mask of the origins at or after the end of a model's training."""
    context = forecaster.trained.context
    if context.timestamps.dtype != experiment.panel.timestamps.dtype:
        return np.zeros(len(experiment.origins), dtype=bool)  # steps versus dates
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


def _recorded_forecasts(
    experiment: Experiment, champion: ModelVersion
) -> pd.DataFrame | None:
    """Return the rows of the champion's recorded backtest on the same origins.

    None if there is no record, if it covers less than half of the origins, or if actual
    values have been revised since.
    """
    label = champion.tags.get("label")
    if not champion.run_id or not label:
        return None
    try:
        record = _read_record(champion.run_id)
    except (MlflowException, OSError):
        return None
    record = record[(record["model"] == label) & (record["step"] <= experiment.horizon)]
    expected = forecast_table(
        experiment.panel,
        experiment.origins,
        np.zeros((len(experiment.origins), experiment.horizon)),
        {},
    ).drop(columns="point")
    try:
        record["cutoff"] = record["cutoff"].astype(expected["cutoff"].dtype)
    except ValueError:  # the record has dates, the new series have steps
        return None
    shared = expected.merge(
        record[[*KEY_COLUMNS, "actual", "point"]],
        on=KEY_COLUMNS,
        suffixes=("", "_recorded"),
    )
    revised = ~np.isclose(shared["actual"], shared["actual_recorded"], rtol=1e-9)
    if len(shared) < len(expected) / 2 or revised.any():
        return None
    steps = shared.groupby(["series_id", "cutoff"])["step"].transform("size")
    return shared[steps == experiment.horizon].drop(columns="actual_recorded")


def _read_record(run_id: str) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        path = mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path=BACKTEST_ARTIFACT, dst_path=folder
        )
        return pd.read_csv(path, dtype={"series_id": str})
