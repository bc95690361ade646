"""Calibration of the intervals of a model a series, each on its errors."""

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, timestamps_at
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.predict import measure_errors
from forecasting.forecaster.predictor import Predictor
from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.types import FloatArray


def calibrate_each(
    models: LocalModels, panel: Panel, origins: Origins, points: FloatArray
) -> LocalModels:
    """Return models with intervals by the errors of past forecasts.

    Args:
        models: trained models.
        panel: the series, up to the end of the forecasts.
        origins: origins of the forecasts.
        points: out-of-sample forecasts, original units, ``(origins, horizon)``.

    Raises:
        UnknownSeries: a series has no model.
    """
    places, tables = models.find_places(panel.series_ids)[origins.series], {}
    for place in np.unique(places).tolist():
        rows = places == place
        part = origins.select(rows)
        model = models.unpack(place)
        errors = measure_errors(Predictor(model), panel, part, points[rows])
        start = Calibration.start(
            ForecastErrors.none(model.horizon), model.config.model.intervals
        )
        tables[place] = start.update(errors, timestamps_at(panel, part)).table
    return models.with_intervals(tables)
