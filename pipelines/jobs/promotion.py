"""Promotion gate: compares a new version with the champion before moving the alias.

A new version takes the alias if all of these hold:

- its series look like those of the champion: level, scale, share of zeros, length;
- at least `MIN_CUTOFFS` cutoffs are shared, and its error on the same origins is lower
  than the champion's by more than one standard error of the differences;
- it is not worse than the best simple baseline.

The champion's forecasts are the first of these that exist:

1. those of its recorded backtest, if it shares the origins and actual values;
2. its forecasts from the origins after its training, if they have enough cutoffs;
3. its forecasts from all origins, most of which are in its training data: a comparison
   in the champion's favour, and the verdict says so.

The caller holds `model_registry.locks.alias_lock`: of several first trainings at
once, one is the first.
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
from forecasting.evaluation.skill import (
    MIN_CUTOFFS,
    TIE_TOLERANCE,
    PairedErrors,
    Skill,
)
from forecasting.forecaster.forecaster import Forecaster
from model_registry.addresses import without_password
from pipelines.errors import AccessDenied
from pipelines.jobs.experiment import Experiment
from pipelines.tracking.data_summary import DataSummary, compare_data
from pipelines.tracking.models import load_forecaster
from pipelines.tracking.registry import find_alias_target
from pipelines.tracking.runs import quiet_mlflow

BACKTEST_ARTIFACT = "backtest.csv.gz"  # artifact with a run's backtest
KEY_COLUMNS = ["series_id", "cutoff", "step"]
DATA_ADVICE = "check them, or promote it by hand: recast promote"
FLOOR_ADVICE = "to promote it all the same: recast promote"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Decision on a promotion, with its reason.

    Attributes:
        promote: whether the version takes the alias.
        reason: one sentence for the user.
        warning: a sentence if the model does not beat the baselines.
        rival: version of the champion that it was compared with; None for none.
    """

    promote: bool
    reason: str
    warning: str | None = None
    rival: str | None = None


def judge(experiment: Experiment, table: pd.DataFrame, label: str) -> Verdict:
    """Compare a new model with the version that holds the alias.

    Args:
        experiment: series, folds and settings of the new model.
        table: backtest of the new model and of the baselines.
        label: name of the new model in the table.
    """
    registry = experiment.job.registry
    errors = experiment.comparison.paired_errors(table)
    warning = _warn(experiment, errors, label)
    if registry.promote != "if_better":
        always = registry.promote == "always"
        return Verdict(always, f"promote is set to {registry.promote}", warning)
    champion = find_alias_target(experiment.job.name, registry.alias)
    if champion is None:
        return Verdict(True, f"the first to be {registry.alias}", warning)
    rival = str(champion.version)
    name = f"{registry.alias} (version {rival})"
    try:
        better, reason = _compare(experiment, table, label, champion, name)
    except (ForecastingError, MlflowException, AccessDenied) as error:
        reason = f"{name} cannot be compared: {without_password(str(error))}"
        return Verdict(False, reason, warning, rival)
    floor = _describe_floor(experiment, errors, label) if better else ""
    if floor:
        better, reason = False, f"{reason}, but {floor}; {FLOOR_ADVICE}"
    return Verdict(better, reason, warning, rival)


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
    errors = experiment.comparison.paired_errors(both)
    gain = errors.skill("challenger", "champion")
    new, old = errors.errors["challenger"], errors.errors["champion"]
    reason = (
        f"{errors.metric} {new:.4g} against {old:.4g} of {name} on "
        f"{len(shared) // experiment.horizon} origins{remark}"
    )
    return gain.is_clear, reason + _describe_gain(gain)


def _describe_gain(gain: Skill) -> str:
    """Return the end of the sentence on a gain over the champion."""
    if gain.is_clear:
        return ""
    if gain.cutoffs < MIN_CUTOFFS:
        return (
            f", too few to tell: it takes {MIN_CUTOFFS} cutoffs (evaluation.folds or "
            "--folds); to promote it all the same: recast promote"
        )
    return ": no more than chance" if gain.value > TIE_TOLERANCE else ""


def _describe_floor(experiment: Experiment, errors: PairedErrors, label: str) -> str:
    """Return in words the baseline that is better than the new version, if any."""
    best = experiment.comparison.best_baseline(errors)
    if errors.errors[label] <= errors.errors[best] * (1 + TIE_TOLERANCE):
        return ""
    return f"the {best.replace('_', ' ')} baseline has {errors.errors[best]:.4g}"


def _warn(experiment: Experiment, errors: PairedErrors, label: str) -> str | None:
    """Return a sentence if a baseline is as good."""
    best = experiment.comparison.best_baseline(errors)
    if errors.errors[label] < errors.errors[best]:
        return None
    season = experiment.season_length
    advice = "more data or a longer seq_len may help"
    if experiment.job.windows.seq_len < season:
        advice = f"a seq_len of {season} or more sees a whole season"
    return (
        f"{label} does not beat the {best.replace('_', ' ')} baseline "
        f"({errors.metric} {errors.errors[label]:.4g} against "
        f"{errors.errors[best]:.4g}): {advice}"
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
    origins = experiment.comparison.origins
    unseen = _origins_after_training(experiment, forecaster)
    remark = " that came after its training"
    if _count_cutoffs(experiment, unseen) < MIN_CUTOFFS:
        unseen = np.ones(len(origins), dtype=bool)
        remark = f", most of which {champion.name} {champion.version} was trained on"
    selected = Origins(series=origins.series[unseen], ends=origins.ends[unseen])
    points = forecaster.forecast_at(experiment.panel, selected, experiment.horizon)
    return forecast_table(experiment.panel, selected, points, {}), remark


def _count_cutoffs(experiment: Experiment, mask: np.ndarray) -> int:
    """Return the number of different times among the selected origins."""
    panel, origins = experiment.panel, experiment.comparison.origins
    ends = panel.offsets[origins.series[mask]] + origins.ends[mask]
    return len(np.unique(panel.timestamps[ends - 1]))


def _origins_after_training(
    experiment: Experiment, forecaster: Forecaster
) -> np.ndarray:
    """Return a mask of the origins at or after the end of a model's training."""
    context = forecaster.trained.context
    if context.timestamps.dtype != experiment.panel.timestamps.dtype:
        # Steps and dates cannot be compared.
        return np.zeros(len(experiment.comparison.origins), dtype=bool)
    trained = dict(zip(context.series_ids, context.last_timestamps(), strict=True))
    origins, panel = experiment.comparison.origins, experiment.panel
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

    None if there is no record, if it covers less than half of the origins or too few
    cutoffs, or if actual values have been revised since.
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
        experiment.comparison.origins,
        np.zeros((len(experiment.comparison.origins), experiment.horizon)),
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
    shared = shared[steps == experiment.horizon].drop(columns="actual_recorded")
    required = min(MIN_CUTOFFS, len(experiment.folds))
    return shared if shared["cutoff"].nunique() >= required else None


def _read_record(run_id: str) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder, quiet_mlflow():
        path = mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path=BACKTEST_ARTIFACT, dst_path=folder
        )
        return pd.read_csv(
            path,
            usecols=["model", *KEY_COLUMNS, "actual", "point"],
            dtype={"series_id": str},
            keep_default_na=False,  # "NA" is a name
        )
