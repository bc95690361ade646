"""Choice of the normalization by the validation error of a ridge forecast.

A ridge regression is solved in milliseconds, so that normalizations, seasons and
lookbacks can be tried on the data before a network is trained.
"""

import numpy as np
import torch

from forecasting.covariates.layout import EncodedCovariates
from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.validation import Rows, WindowBlock, validate
from forecasting.datasets.window_dataset import split_windows
from forecasting.evaluation.metrics import naive_scale
from forecasting.models.window_ridge import fit_linear
from forecasting.scaling.methods import Method, auto_methods
from forecasting.scaling.normalization import Normalizer
from forecasting.scaling.window_scaling import EtsStates
from forecasting.types import FloatArray, IntArray

MAX_WINDOWS = 20_000  # compared at most


def choose_normalization(
    panel: Panel,
    spec: WindowSpec,
    ends: IntArray,
    encoded: EncodedCovariates | None = None,
) -> Method:
    """Return the normalization with the lowest validation error of a ridge forecast.

    Args:
        panel: the series.
        spec: shape of a window.
        ends: end of the training part of each series.
        encoded: covariates of every observation.
    """
    methods = auto_methods(panel)
    errors = [linear_errors(panel, spec, ends, method, encoded) for method in methods]
    if not all(len(windows) for windows in errors):
        return methods[0]
    return methods[int(np.argmin([windows.mean() for windows in errors]))]


def linear_errors(
    panel: Panel,
    spec: WindowSpec,
    ends: IntArray,
    method: Method,
    encoded: EncodedCovariates | None = None,
    *,
    season_length: int = 1,
    scale_lag: int = 1,
    tolerance: float = 1.0,
    states: EtsStates | None = None,
) -> FloatArray:
    """Return the linear forecast's mean error in each later window, ``(windows,)``.

    Errors are absolute, in units of each series' naive error, so that methods and
    series can be compared. Empty without training or validation windows.

    Args:
        panel: the series.
        spec: shape of a window.
        ends: end of the training part of each series.
        method: normalization.
        encoded: covariates of every observation.
        season_length: of the season that the normalization takes out.
        scale_lag: of the naive error.
        tolerance: of the choice of the penalty, see
            `forecasting.models.window_ridge.fit_linear`.
        states: see `forecasting.datasets.window_dataset.split_windows`.
    """
    normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
    batches, validation = split_windows(
        panel, spec, normalizer, ends, encoded, torch.device("cpu"),
        season_length=season_length, states=states,
    )  # fmt: skip
    if not len(batches) or not len(validation):
        return np.empty(0)
    design = batches.design(spec.horizon)
    linear = fit_linear(
        batches, validation, steps=spec.horizon, tolerance=tolerance, design=design
    )
    scales = _naive_scales(panel, ends, scale_lag)

    def measure(block: WindowBlock) -> Rows:
        forecast = block.frame.restore(linear.forecast(block.inputs))
        points = normalizer.select(block.series).unscale(forecast.numpy())
        _, first = validation.windows.locate(block.index)
        steps = np.arange(spec.seq_len, spec.length)
        actual = panel.values[first.numpy()[:, None] + steps]
        return {"errors": np.abs(points - actual).mean(1) / scales[block.series]}

    measured = validate(validation, measure, max_windows=MAX_WINDOWS)
    return np.asarray(measured["errors"])


def _naive_scales(panel: Panel, ends: IntArray, lag: int) -> FloatArray:
    parts = zip(np.split(panel.values, panel.offsets[1:-1]), ends, strict=True)
    scales = np.array([naive_scale(values[:end], lag) for values, end in parts])
    return np.where(scales > 0, scales, 1.0)
