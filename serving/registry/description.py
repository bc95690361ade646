"""What there is to say about a model: found when it is loaded, kept when it leaves."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecasting.covariates.encoding import Covariates
from forecasting.data.covariates import ROLES
from forecasting.data.panel import Panel
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.history import least_history
from serving.schemas.forecast import History, ModelDetails
from serving.schemas.timestamps import format_timestamps

MOST_IDS = 100


MOST_HISTORIES = 10  # series whose end is shown: all that a forecast rests on


def describe(
    name: str, version: str, forecaster: Forecaster, metrics: Mapping[str, float]
) -> ModelDetails:
    """Return all that is known of a version; aliases are for the registry to say."""
    assert forecaster.fitted is not None
    context, covariates = forecaster.fitted.context, forecaster.fitted.covariates
    return ModelDetails(
        name=name,
        version=version,
        alias=None,
        aliases=[],
        latest=False,
        seq_len=forecaster.windows.seq_len,
        least_history=least_history(forecaster.fitted),
        horizon=forecaster.windows.horizon,
        freq=context.calendar.freq,
        target=context.target,
        covariates={role: list(covariates.names(role)) for role in ROLES},
        num_series=len(context),
        cell=forecaster.model.cell,
        metrics=dict(metrics),
        trained_until=format_timestamps(np.asarray([context.timestamps.max()]))[0],
        series_ids=list(context.series_ids[:MOST_IDS]),
        context=[
            _history(context, row, covariates)
            for row in range(min(len(context), MOST_HISTORIES))
        ],
    )


def _history(context: Panel, row: int, covariates: Covariates) -> History:
    first, end = int(context.offsets[row]), int(context.offsets[row + 1])
    shown = slice(first, end)
    own: dict[str, dict[str, Any]] = {role: {} for role in ROLES}
    for one in covariates.columns:
        values = context.covariates[one.name][shown].tolist()
        own[one.role][one.name] = values[-1] if one.role == "static" else values
    return History(
        id=context.series_ids[row],
        timestamps=format_timestamps(context.timestamps[shown]),
        values=context.values[shown].tolist(),
        past_covariates=own["past"],
        known_covariates=own["known"],
        static_covariates=own["static"],
    )
