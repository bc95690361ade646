"""What there is to say about a model: found when it is loaded, kept when it leaves."""

from collections.abc import Mapping

import numpy as np

from forecasting.forecaster import Forecaster
from forecasting.series import Panel
from serving.moments import show_moments
from serving.schemas import History, ModelDetails

MOST_IDS = 100
MOST_HISTORIES, MOST_VALUES = 10, 1000  # series whose end is shown, and how much of it


def describe(
    name: str, version: str, forecaster: Forecaster, metrics: Mapping[str, float]
) -> ModelDetails:
    """Return all that is known of a version; aliases are for the registry to say."""
    assert forecaster.fitted is not None
    context = forecaster.fitted.context
    return ModelDetails(
        name=name,
        version=version,
        alias=None,
        aliases=[],
        latest=False,
        seq_len=forecaster.windows.seq_len,
        horizon=forecaster.windows.horizon,
        freq=context.calendar.freq,
        target=context.target,
        num_series=len(context),
        cell=forecaster.model.cell,
        metrics=dict(metrics),
        trained_until=show_moments(np.asarray([context.timestamps.max()]))[0],
        series_ids=list(context.series_ids[:MOST_IDS]),
        context=[
            _history(context, row) for row in range(min(len(context), MOST_HISTORIES))
        ],
    )


def _history(context: Panel, row: int) -> History:
    first, end = int(context.offsets[row]), int(context.offsets[row + 1])
    shown = slice(max(first, end - MOST_VALUES), end)
    return History(
        id=context.series_ids[row],
        timestamps=show_moments(context.timestamps[shown]),
        values=context.values[shown].tolist(),
    )
