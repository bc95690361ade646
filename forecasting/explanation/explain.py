"""Explanation of forecasts: slopes with respect to the window's observations.

The influence of an observation x on a step y of the forecast is dy/dx, of the forecast
that answers: the network's, or a simple one where the guard chooses it; |x dy/dx|
("gradient x input", Shrikumar et al. 2016, "Not just a black box") also weighs the
distance of x from the level that its series is scaled by. Both are averaged over
windows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from forecasting.covariates.encoding import Covariates
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins
from forecasting.devices import limit_threads
from forecasting.display.backends import draw_heat_maps
from forecasting.errors import (
    DataError,
    MissingCovariates,
    SettingError,
)
from forecasting.explanation.gradients import (
    CPU,
    model_slopes,
    network_slopes,
    zero_shot_slopes,
)
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.history import Histories, ScaledHistories
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.predict import read_histories
from forecasting.forecaster.predictor import Predictor, find_zero_shot
from forecasting.forecaster.trained_model import GlobalModel, TrainedModel
from forecasting.types import FloatArray

Part = Literal["model", "network"]
PARTS: tuple[str, ...] = get_args(Part)
MAX_EXPLAINED_WINDOWS = 64  # averaged; more would hardly change the means
MAX_ZERO_SHOT = 2**12  # forecasts without training, for the same
MAX_SMOOTHED_POINTS = 2**20  # smoothed again, for the differences of all windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Sensitivity of each forecast step to each input of the model.

    Values are in normalised units (u of `forecasting.scaling.normalization`; z for the
    network alone), columns in time order: lag 1 is the observation right before the
    forecast. There are seq_len of them, or a season where a forecast reaches back
    further. Covariates are numeric covariates and positions in the seasons; a category
    has no slope and is left out.

    Attributes:
        target: name of the forecast column.
        windows: number of windows that were averaged.
        observations: mean of ``|x dy/dx|``, ``(horizon, lags)``.
        sensitivity: mean of ``|dy/dx|``, ``(horizon, lags)``.
        covariates: mean of ``|x dy/dx|`` by name: ``(horizon, lags)`` of past ones,
            ``(horizon, lags + horizon)`` of known ones, ``(horizon,)`` of static ones.
        methods: the method that answers for each explained series, by id.
        part: the explained part: ``model`` is the method that answers.
    """

    target: str
    windows: int
    observations: FloatArray
    sensitivity: FloatArray
    covariates: Mapping[str, FloatArray] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    part: Part = "model"

    @property
    def lags(self) -> list[int]:
        """Steps from each column to the first step of the forecast, down to 1."""
        return list(range(self.observations.shape[1], 0, -1))

    def by_feature(self) -> dict[str, FloatArray]:
        """Return the importance of target and covariates, ``(horizon, positions)``."""
        parts = {self.target: self.observations, **self.covariates}
        return {name: part.reshape(len(part), -1) for name, part in parts.items()}

    def shares(self) -> dict[str, FloatArray]:
        """Return the share of each step's importance, ``(horizon, positions)`` each.

        Where all importances of a step are zero, as on a series that never changes, the
        shares are those of its sensitivity.
        """
        parts = self.by_feature()
        total = np.sum([part.sum(1) for part in parts.values()], axis=0)[:, None]
        parts[self.target] = np.where(total > 0, parts[self.target], self.sensitivity)
        total = np.where(total > 0, total, self.sensitivity.sum(1, keepdims=True))
        return {n: part / np.where(total > 0, total, 1) for n, part in parts.items()}

    def plot(self) -> Any:
        """Draw heat maps of importance by step and lag; return the figure.

        There is one for the target and one for each covariate, on one colour scale, so
        that they can be compared. The title of the first names the explained part.

        Raises:
            SettingError: matplotlib is not installed.
        """
        parts = self.by_feature()
        methods = sorted(set(self.methods.values()))
        if self.part == "network":
            methods = ["the network alone"]
        if methods:
            answers = ", ".join(methods).replace("_", " ")
            parts = {f"{self.target}: {answers}": parts.pop(self.target), **parts}
        return draw_heat_maps(parts, self.lags[0])

    def to_frame(self) -> pd.DataFrame:
        """Return a long table with columns ``step, lag, feature, importance``.

        Lag 0 is the first step of the forecast, -1 the second; static covariates have
        no lag.
        """
        num_lags, tables = self.observations.shape[1], []
        for name, part in self.by_feature().items():
            step, place = np.indices(part.shape)
            table = pd.DataFrame({"step": step.ravel() + 1})
            lag = pd.array(num_lags - place.ravel(), dtype="Int64")
            if name in self.covariates and self.covariates[name].ndim == 1:
                lag[:] = pd.NA
            table["lag"] = lag
            tables.append(table.assign(feature=name, importance=part.ravel()))
        return pd.concat(tables, ignore_index=True)


def explain(
    forecaster: Forecaster,
    panel: Panel | None = None,
    *,
    part: Part = "model",
    windows: int = MAX_EXPLAINED_WINDOWS,
) -> Explanation:
    """Explain the forecast steps of the trained horizon by their slopes.

    Args:
        forecaster: trained.
        panel: series whose windows are averaged; default the last window of each
            series seen in training.
        part: the complete ``model``, that is the method that answers for each series;
            or the recurrent ``network`` alone: its output for a normalised window,
            without the linear skip, whatever answers.
        windows: maximum number to average, evenly spaced; the last one is included.
            With exponential smoothing of long series, and where the zero-shot forecast
            answers, there are fewer.

    Raises:
        NotFittedError: the forecaster has not been trained.
        SeriesTooShort: no series has seq_len observations.
        IrregularTimestamps, InvalidValues: as `Forecaster.predict`.
        MissingCovariates: the series lack a covariate of the model, or known
            covariates of no window reach the horizon.
        DataError: a slope is not finite.
        SettingError: unknown part, or fewer than one window.

    >>> import math
    >>> from forecasting.training import TrainingConfig
    >>> wave = Panel.from_values({"wave": [math.sin(0.3 * t) for t in range(200)]})
    >>> forecaster = Forecaster(training=TrainingConfig(epochs=2)).fit(wave)
    >>> explanation = explain(forecaster, wave)
    >>> explanation.observations.shape, explanation.methods
    ((2, 5), {'wave': 'network'})
    """
    fitted = forecaster.trained
    if part not in PARTS:
        raise SettingError("part", part, f"one of {', '.join(PARTS)}")
    if windows < 1:
        raise SettingError("windows", windows, "at least 1")
    series = fitted.context if panel is None else panel
    fitted.context.calendar.continued_by(series.calendar)
    if part == "model":
        windows = _limit_windows(fitted, series, windows)
    origins = _sample_origins(series, fitted, windows, last=panel is None)
    if not isinstance(fitted, LocalModels):
        return _explain(fitted.as_global(), series, origins, part)
    places = fitted.find_places(series.series_ids)[origins.series]
    return _join(
        [
            _explain(
                fitted.unpack(place), series, origins.select(places == place), part
            )
            for place in dict.fromkeys(places.tolist())
        ]
    )


def _explain(
    fitted: GlobalModel, series: Panel, origins: Origins, part: Part
) -> Explanation:
    """Explain the forecasts from some origins by one model."""
    seq_len, horizon = fitted.seq_len, fitted.horizon
    histories, rows = _read(fitted, series, origins)
    encoded = rows.covariates_from(0, seq_len + horizon)
    with limit_threads(CPU, fitted.config.model.hidden_size), torch.enable_grad():
        if part == "network":
            inputs = rows.frame.inputs
            slopes, covariate_slopes = network_slopes(fitted, inputs, encoded)
        else:
            inputs, slopes, covariate_slopes = model_slopes(fitted, rows, encoded)
            places = find_zero_shot(rows)
            if len(places):
                slopes = slopes.double()
                moved = zero_shot_slopes(fitted, histories, rows, places)
                slopes[:, places] = moved
    slopes = _gather_padding(slopes, torch.from_numpy(origins.ends))
    if not slopes[..., :-seq_len].any():  # no forecast by the last season
        inputs, slopes = inputs[:, -seq_len:], slopes[..., -seq_len:]
    covariates = {}
    if encoded is not None and covariate_slopes is not None:
        weighted = covariate_slopes * encoded
        covariates = _by_name(fitted.covariates, weighted, seq_len, inputs.shape[1])
    return Explanation(
        target=fitted.context.target,
        windows=len(origins),
        observations=_mean(slopes * inputs),
        sensitivity=_mean(slopes),
        covariates=covariates,
        methods=_find_methods(fitted, series, origins),
        part=part,
    )


def _join(explanations: list[Explanation]) -> Explanation:
    """Average explanations without covariates, each window alike."""
    total = sum(explanation.windows for explanation in explanations)
    num_lags = max(len(explanation.lags) for explanation in explanations)

    def average(values: Callable[[Explanation], FloatArray]) -> FloatArray:
        weighted = [
            np.pad(values(e), ((0, 0), (num_lags - len(e.lags), 0))) * e.windows
            for e in explanations
        ]
        return np.asarray(np.sum(weighted, axis=0) / total)

    return replace(
        explanations[0],
        windows=total,
        observations=average(lambda explanation: explanation.observations),
        sensitivity=average(lambda explanation: explanation.sensitivity),
        methods={k: v for e in explanations for k, v in e.methods.items()},
    )


def _limit_windows(fitted: TrainedModel, panel: Panel, windows: int) -> int:
    """Return the number of windows with differences that take seconds at most."""
    if "zero_shot" in fitted.method_counts:
        windows = min(windows, max(MAX_ZERO_SHOT // (2 * fitted.num_lags), 1))
    if not fitted.is_smoothed:
        return windows
    length = min(int(panel.lengths.max()), fitted.memory)
    return min(windows, max(MAX_SMOOTHED_POINTS // (2 * fitted.num_lags * length), 1))


def _gather_padding(slopes: Tensor, ends: Tensor) -> Tensor:
    """Return slopes ``(H, B, C)`` with those of the padding at the first observation.

    Windows of short series are padded in front with that observation.
    """
    count = slopes.shape[2]
    is_observed = torch.arange(count, 0, -1) <= ends[:, None]
    if is_observed.all():
        return slopes
    gathered = slopes * is_observed
    windows, first = torch.arange(len(ends)), (count - ends).clamp_min(0)
    gathered[:, windows, first] += (slopes * ~is_observed).sum(2)
    return gathered


def _find_methods(
    fitted: GlobalModel, panel: Panel, origins: Origins
) -> dict[str, str]:
    """Return the method that answers at the last origin of each series, by id."""
    names = [panel.series_ids[s] for s in origins.series.tolist()]
    places = fitted.find_places(names)
    return dict(zip(names, fitted.answering_methods(places, origins.ends), strict=True))


def _sample_origins(
    panel: Panel, fitted: TrainedModel, max_count: int, *, last: bool
) -> Origins:
    """Return the ends of at most ``max_count`` windows, evenly spaced over all series.

    With ``last``, only the last window of each series counts. Known covariates must
    reach the horizon. Without any window, the ends of all series are returned: reading
    them raises the error, or pads the windows.
    """
    ends = panel.lengths
    for name in fitted.covariates.names("known"):
        beyond = panel.future[name].lengths if name in panel.future else 0
        ends = np.minimum(ends, panel.lengths + beyond - fitted.horizon)
    counts = np.maximum(ends - fitted.seq_len + 1, 0)
    last_index = np.cumsum(np.minimum(counts, 1) if last else counts)
    total = int(last_index[-1])
    if total == 0:
        return last_origins(panel)
    count = min(max_count, total)
    index = np.arange(1, count + 1) * total // count - 1
    series = np.searchsorted(last_index, index, side="right")
    back = last_index[series] - 1 - index
    return Origins(series=series, ends=ends[series] - back)


def _read(
    fitted: GlobalModel, panel: Panel, origins: Origins
) -> tuple[Histories, ScaledHistories]:
    """Return the histories of origins, and the same scaled."""
    predictor = Predictor(fitted)
    try:
        histories = read_histories(predictor, panel, origins, fitted.horizon)
        return histories, predictor.read(histories, slice(0, len(origins)))
    except MissingCovariates as error:
        raise error.advise(
            "Explain series with their covariates, known ones for the horizon "
            f"too: at least seq_len {fitted.seq_len} + horizon {fitted.horizon} "
            "steps of a series."
        ) from None


def _mean(slopes: Tensor) -> FloatArray:
    """Return the mean absolute value over windows, the second axis.

    Raises:
        DataError: a slope is not finite.
    """
    if not slopes.isfinite().all():
        raise DataError(
            "the forecast of these observations has no finite gradient: they are far "
            "beyond what the model was trained on. Check their unit."
        )
    return slopes.double().abs().mean(1).numpy()  # float32 would overflow in some sums


def _by_name(
    covariates: Covariates, weighted: Tensor, seq_len: int, num_lags: int
) -> dict[str, FloatArray]:
    """Return the importance of the numeric covariates, by name.

    Args:
        covariates: encoding of the model.
        weighted: x dy/dx, ``(horizon, windows, seq_len + horizon, features)``.
        seq_len: of the model.
        num_lags: columns before the forecast; zero before the window.
    """
    earlier = ((0, 0), (num_lags - seq_len, 0))
    importances = {}
    for name, role, columns in covariates.numbers():
        part = weighted[..., columns]
        if role == "static":  # one number, repeated at every position
            part = part.sum(2)
        importance = _mean(part).sum(-1)  # a seasonal position has two columns
        if role == "past":
            importance = importance[:, :seq_len]
        if role != "static":
            importance = np.pad(importance, earlier)
        importances[name] = importance
    return importances
