"""Trial of a version before it may answer: a forecast, or a prediction."""

import numpy as np

from forecasting.covariates.encoding import hold_known_covariates
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.local.models import LocalModels
from serving.registry.load_failures import LoadError, load_errors
from serving.registry.loaded_model import AnyModel, LoadedSequences

MAX_TRIED_MODELS = 16  # of a version with a model a series
TRIAL_STEPS = 10  # of a series of zeros


def warm_up(model: AnyModel) -> None:
    """Forecast the training series once and check the intervals.

    A model of discrete series predicts once instead.

    Raises:
        LoadError: there is no finite forecast or probability, or a bound of an interval
            is NaN.
    """
    if isinstance(model, LoadedSequences):
        return _try_sequences(model)
    forecaster = model.forecaster
    with load_errors("it cannot make forecasts"):
        forecast = forecaster.predict(_trial_panel(forecaster))
    if _has_missing_bounds(forecast):
        raise LoadError("its intervals are no numbers: they are not calibrated")


def _try_sequences(loaded: LoadedSequences) -> None:
    """Predict for one short series, and check that the probabilities are finite."""
    from forecasting.sequences.symbols.model import SymbolModel  # takes a second

    model = loaded.model
    with load_errors("it cannot make predictions"):
        if isinstance(model, SymbolModel):
            rows = model.predict_proba([[model.alphabet_.symbols[0]]])
        else:
            series = [np.zeros((TRIAL_STEPS, model.channels_))]
            rows = np.asarray((loaded.evaluator or model).predict_proba(series))
    if not np.isfinite(rows).all():
        raise LoadError("its probabilities are no numbers")


def _trial_panel(forecaster: Forecaster) -> Panel:
    """Return the training series, with future values of the known covariates.

    Of a model a series, the first ones, so that thousands load in a bounded time; the
    intervals of all were checked when they were read.
    """
    context = forecaster.trained.context
    if isinstance(forecaster.trained, LocalModels):
        context = context.select(np.arange(min(len(context), MAX_TRIED_MODELS)))
    return hold_known_covariates(context, forecaster.windows.horizon)


def _has_missing_bounds(forecast: Forecast) -> bool:
    """Return whether a bound of an interval is NaN; it may be infinite."""
    bounds = [bound for pair in forecast.intervals.values() for bound in pair]
    return bool(np.isnan(bounds).any())
