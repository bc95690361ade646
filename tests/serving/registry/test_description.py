"""The public description of a model holds enough to repeat its forecast."""

import numpy as np
import pytest

from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig
from serving.registry.description import describe


@pytest.mark.parametrize("method", ["last", "log_ets"])
def test_the_history_shown_gives_the_forecast_of_the_series_seen(method):
    values = 50 + 5 * np.sin(0.3 * np.arange(1500))
    model = RecurrentConfig(hidden_size=4, normalization=method)
    forecaster = Forecaster(model=model, training=TrainingConfig(epochs=1))
    forecaster.fit(Panel.from_values({"wave": values}))

    [history] = describe("wave", "1", forecaster, {}).context

    repeated = forecaster.predict(Panel.from_values({history.id: history.values}))
    np.testing.assert_array_equal(repeated.points, forecaster.predict().points)
