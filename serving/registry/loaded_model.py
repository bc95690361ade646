"""A model version in memory, loaded from a folder and tested by a trial forecast."""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from forecasting.covariates.encoding import hold_known_covariates
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.quick import QuickModel, is_quick
from serving.masking import first_line
from serving.registry.description import describe
from serving.schemas.forecast import ModelDetails

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version in memory that passed its trial forecast, with its description."""

    forecaster: Forecaster
    details: ModelDetails
    quick: QuickModel | None = field(init=False)
    """The same model laid out for requests without covariates; None if it needs them,
    forecasts quantiles or smooths exponentially."""

    def __post_init__(self) -> None:
        fitted, precision = self.forecaster.trained, self.forecaster.training.precision
        quick = QuickModel(fitted, precision) if is_quick(fitted) else None
        object.__setattr__(self, "quick", quick)

    @property
    def name(self) -> str:
        """Name in the registry."""
        return self.details.name

    @property
    def num_bytes(self) -> int:
        """Bytes of the weights, tables and series."""
        return self.forecaster.trained.num_bytes

    @property
    def version(self) -> str:
        """Number in the registry."""
        return self.details.version


class LoadError(Exception):
    """A version cannot be loaded; the message holds no secrets and may be shown.

    Attributes:
        cause: first line of the inner error, for the log; empty if the message says it.
    """

    def __init__(self, reason: str, cause: BaseException | None = None) -> None:
        super().__init__(reason)
        self.cause = first_line(cause) if cause else ""


class ForeignModel(LoadError):
    """A version was made by something else than Recast, in a shared registry."""


def load_with_trial(
    name: str, version: str, folder: Path, tags: Mapping[str, str]
) -> LoadedModel:
    """Load a version from a folder and test it by a trial forecast.

    Raises:
        LoadError: it cannot be loaded, or its forecast is not finite.
    """
    try:
        forecaster = Forecaster.load(folder, device="cpu")
        forecast = forecaster.predict(_trial_panel(forecaster))
        details = describe(name, version, forecaster, _read_metrics(tags))
    except ArtifactError as error:
        reason = str(error).removeprefix(f"model {error.path}: ")
        raise LoadError(reason.replace(str(folder), "its folder")) from error
    except Exception as error:
        log.debug("load failed", exc_info=True)
        raise LoadError("it cannot make forecasts", error) from error
    if not np.isfinite(forecast.points).all():
        raise LoadError("its forecasts are no numbers")
    if _has_missing_bounds(forecaster, forecast):
        raise LoadError("its intervals are no numbers: they are not calibrated")
    return LoadedModel(forecaster, details)


def _trial_panel(forecaster: Forecaster) -> Panel:
    """Return the training series, with future values of the known covariates."""
    return hold_known_covariates(forecaster.trained.context, forecaster.windows.horizon)


def _has_missing_bounds(forecaster: Forecaster, forecast: Forecast) -> bool:
    """Return whether a bound of an interval is NaN; it may be infinite."""
    table = forecaster.trained.intervals
    scaling = (table.scaling.exponent, table.scaling.typical)
    bounds = [bound for pair in forecast.intervals.values() for bound in pair]
    calibrated = np.isfinite(table.quantiles).all() and np.isfinite(scaling).all()
    return not calibrated or bool(np.isnan(bounds).any())


def _read_metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the finite numbers in the tag ``metrics``, a JSON object."""
    try:
        metrics = json.loads(tags.get("metrics", "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(metrics, dict):
        return {}
    return {
        key: float(value) for key, value in metrics.items() if _is_shown(key, value)
    }


def _is_shown(key: str, value: object) -> bool:
    """Return whether a metric is a finite number with a name that encodes as UTF-8."""
    try:
        key.encode()
        return isinstance(value, int | float) and math.isfinite(value)
    except (UnicodeEncodeError, OverflowError):
        return False
