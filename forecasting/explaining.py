"""What a forecast depends on: gradients back to every observation of the window.

The influence of an observation x on a step y of the forecast is dy/dx, by
back-propagation through the whole forecast; |x dy/dx| ("gradient x input", Shrikumar
et al. 2016, "Not just a black box") also weighs how far x lies from the level that its
series is scaled by. Both are averaged over windows. Letters: B windows, H horizon,
L seq_len, F features.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from forecasting.devices import fitting_threads
from forecasting.ensemble import ensemble_forecast
from forecasting.errors import DataError, NotFittedError, SettingError
from forecasting.fitted import Fitted
from forecasting.forecaster import Forecaster
from forecasting.histories import Rows, WindowHistory, read_rows
from forecasting.networks import RecurrentNetwork
from forecasting.rollout import next_steps
from forecasting.series import FloatArray, Panel
from forecasting.splits import Origins, last_origins

Part = Literal["model", "network"]
PARTS: tuple[str, ...] = get_args(Part)
MAX_WINDOWS = 64  # averaged at most: enough for a picture
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How strongly each step of a forecast depends on what the model is given.

    Values are in normalised units (u of `forecasting.normalization`; z for the network
    alone), columns in the order of time: the last one is lag 1, the observation right
    before the forecast.

    Attributes:
        target: name of what is forecast.
        windows: how many were averaged.
        observations: mean of ``|x dy/dx|``, ``(horizon, seq_len)``.
        sensitivity: mean of ``|dy/dx|``, ``(horizon, seq_len)``.
        covariates: mean of ``|x dy/dx|`` by name, ``(horizon,)`` or, of those with a
            value at each position, ``(horizon, positions)``.
    """

    target: str
    windows: int
    observations: FloatArray
    sensitivity: FloatArray
    covariates: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def lags(self) -> list[int]:
        """Steps from each column to the first step of the forecast: seq_len to 1."""
        return list(range(self.observations.shape[1], 0, -1))

    def by_feature(self) -> dict[str, FloatArray]:
        """Return the importance of target and covariates, ``(horizon, positions)``."""
        parts = {self.target: self.observations, **self.covariates}
        return {name: part.reshape(len(part), -1) for name, part in parts.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row a number: ``step, lag, feature, importance``."""
        seq_len, tables = self.observations.shape[1], []
        for name, part in self.by_feature().items():
            step, place = np.indices(part.shape)
            columns = {"step": step.ravel() + 1, "lag": seq_len - place.ravel()}
            table = pd.DataFrame(columns)
            tables.append(table.assign(feature=name, importance=part.ravel()))
        return pd.concat(tables, ignore_index=True)


def explain(
    forecaster: Forecaster,
    panel: Panel | None = None,
    *,
    part: Part = "model",
    windows: int = MAX_WINDOWS,
) -> Explanation:
    """Return what the steps of the trained horizon depend on.

    Args:
        forecaster: trained.
        panel: series whose windows are averaged; default the last window of each
            series seen in training.
        part: the whole ``model``, or the recurrent ``network`` alone: what it makes of
            a levelled window, without the linear skip.
        windows: averaged at most, evenly spread; the last one is among them.

    Raises:
        NotFittedError: the forecaster has not been trained.
        SeriesTooShort: no series has seq_len observations.
        IrregularTimestamps, InvalidValues: as `Forecaster.predict`.
        DataError: the observations are beyond every number.
        SettingError: there is no such part, or no window is asked for.

    >>> import math
    >>> from forecasting.training import TrainingConfig
    >>> wave = Panel.from_values({"wave": [math.sin(0.3 * t) for t in range(200)]})
    >>> forecaster = Forecaster(training=TrainingConfig(epochs=2)).fit(wave)
    >>> explain(forecaster, wave).observations.shape
    (2, 5)
    """
    fitted, seq_len = forecaster.fitted, forecaster.windows.seq_len
    if fitted is None:
        raise NotFittedError("forecaster")
    if part not in PARTS:
        raise SettingError("part", part, f"one of {', '.join(PARTS)}")
    if windows < 1:
        raise SettingError("windows", windows, "at least 1")
    series = fitted.context if panel is None else panel
    fitted.context.calendar.continued_by(series.calendar)
    origins = _evenly(series, seq_len, windows)
    rows = read_rows(fitted, series, origins)
    function, inputs = _whole(fitted, rows)
    if part == "network":
        function, inputs = _network(fitted), rows.frame.inputs
    hidden_size = fitted.networks[0].config.hidden_size
    with fitting_threads(CPU, hidden_size), torch.enable_grad():
        weighted, plain = _mean_gradients(function, inputs)
    observations, covariates = _by_name(weighted)
    return Explanation(
        target=fitted.context.target,
        windows=len(origins),
        observations=observations,
        sensitivity=_by_name(plain)[0],
        covariates=covariates,
    )


def _evenly(panel: Panel, seq_len: int, most: int) -> Origins:
    """Return the ends of at most ``most`` windows, evenly spread over all series.

    Where no series has one, the ends of all, for the reader to refuse.
    """
    until = np.cumsum(np.maximum(panel.lengths - seq_len + 1, 0))
    total = int(until[-1])
    if total == 0:
        return last_origins(panel)
    taken = min(most, total)
    index = np.arange(1, taken + 1) * total // taken - 1
    series = np.searchsorted(until, index, side="right")
    back = until[series] - 1 - index
    return Origins(series=series, ends=panel.lengths[series] - back)


def _whole(fitted: Fitted, rows: Rows) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return the forecast ``(B, H)`` as a function of windows ``(B, L)``, and these.

    They are u, or z where smoothing says level and size: these then stay as they are.
    """
    here = replace(fitted, networks=[_copy(network) for network in fitted.networks])
    history, frame = rows.history, rows.frame

    def of_window(window: Tensor) -> Tensor:
        assert isinstance(history, WindowHistory)
        framed = history.frame_of(window)
        return next_steps(here, framed, "float32", choices=rows.choices)

    def of_frame(inputs: Tensor) -> Tensor:
        framed = frame._replace(inputs=inputs)
        steps = next_steps(here, framed, "float32", choices=rows.choices)
        return frame.measure(steps)

    if isinstance(history, WindowHistory):
        return of_window, history.observed[:, -history.network.seq_len :]
    return of_frame, frame.inputs


def _network(fitted: Fitted) -> Callable[[Tensor], Tensor]:
    """Return what the networks add to the linear part, z to z."""
    networks = [_copy(network) for network in fitted.networks]
    for network in networks:
        network.skip = None
    return lambda window: ensemble_forecast(networks, window[..., None])


def _copy(network: RecurrentNetwork) -> RecurrentNetwork:
    """Return a frozen copy on the CPU: cuDNN has gradients in training only."""
    return deepcopy(network).cpu().requires_grad_(False).eval()


def _mean_gradients(
    function: Callable[[Tensor], Tensor], inputs: Tensor
) -> tuple[Tensor, Tensor]:
    """Return means of ``|x dy/dx|`` and ``|dy/dx|`` over windows, ``(H, L[, F])``.

    Raises:
        DataError: one is no finite number.
    """
    inputs = inputs.clone().requires_grad_()
    weighted, plain = [], []
    for step in function(inputs).unbind(1):
        (slope,) = torch.autograd.grad(step.sum(), inputs, retain_graph=True)
        plain.append(slope.abs().mean(0))
        weighted.append((slope * inputs.detach()).abs().mean(0))
    found = torch.stack(weighted), torch.stack(plain)
    if not all(bool(means.isfinite().all()) for means in found):
        raise DataError(
            "the forecast of these observations has no finite gradient: they are far "
            "beyond what the model was trained on. Check their unit."
        )
    return found


def _by_name(
    means: Tensor, names: Sequence[str] = ()
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Split ``(H, L[, F])`` into the target's part and those of named covariates."""
    values = means.double().numpy()
    if values.ndim == 2:
        return values, {}
    covariates = {name: values[..., 1 + i] for i, name in enumerate(names)}
    return values[..., 0], covariates
