"""Which normalisation a forecaster takes where nobody said: validation chooses."""

import numpy as np
import torch

from forecasting.batches import WindowBatches, split_windows
from forecasting.features import Encoded
from forecasting.linear import LinearPart, fit_linear
from forecasting.metrics import naive_scale
from forecasting.normalization import Method, Normalizer, candidates
from forecasting.series import FloatArray, IntArray, Panel
from forecasting.windows import WindowSpec


def choose_method(
    panel: Panel, spec: WindowSpec, ends: IntArray, encoded: Encoded | None = None
) -> Method:
    """Return the normalisation whose linear forecast validates best.

    Errors are absolute, in units of each series' naive error, so that methods and
    series can be compared.

    Args:
        panel: the series.
        spec: shape of a window.
        ends: where the training part of each series ends.
        encoded: covariates of every observation.
    """
    methods = candidates(panel)
    cpu = torch.device("cpu")
    scales = np.array(
        [
            naive_scale(values[:end], 1) or 1.0
            for values, end in zip(
                np.split(panel.values, panel.offsets[1:-1]), ends, strict=True
            )
        ]
    )
    errors = []
    for method in methods:
        normalizer = Normalizer.fit(panel, method, seq_len=spec.seq_len, ends=ends)
        batches, validation = split_windows(panel, spec, normalizer, ends, encoded, cpu)
        if not len(batches) or not len(validation):
            return methods[0]
        linear = fit_linear(
            batches,
            validation,
            steps=spec.horizon,
            design=batches.design(spec.horizon),
        )
        errors.append(_scaled_error(panel, linear, validation, normalizer, scales))
    return methods[int(np.argmin(errors))]


def _scaled_error(
    panel: Panel,
    linear: LinearPart,
    validation: WindowBatches,
    normalizer: Normalizer,
    scales: FloatArray,
) -> float:
    index = validation.windows.evenly(20_000)
    located, first = validation.windows.locate(index)
    series, spec = located.numpy(), validation.windows.spec
    inputs, _ = validation.take(index)
    forecast = validation.frame(index).restore(linear.forecast(inputs))
    points = normalizer.unscale(forecast.numpy(), series)
    reach = np.arange(spec.seq_len, spec.length)
    actual = panel.values[first.numpy()[:, None] + reach]
    return float((np.abs(points - actual) / scales[series][:, None]).mean())
