"""The MLflow registry, as the service sees it: read only, and it may be away.

Every call here blocks, for milliseconds or until a timeout: the service makes none of
them while it answers a request for a model that it holds.
"""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from forecasting.covariates.encoding import go_on
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
    """A version in memory that has made a forecast, and what there is to say of it."""

    forecaster: Forecaster
    details: ModelDetails
    quick: QuickModel | None = field(init=False)
    """The same model, laid out for plain requests; None if it reads more."""

    def __post_init__(self) -> None:
        fitted, precision = self.forecaster.fitted, self.forecaster.training.precision
        assert fitted is not None
        quick = QuickModel(fitted, precision) if is_quick(fitted) else None
        object.__setattr__(self, "quick", quick)

    @property
    def name(self) -> str:
        """Its name in the registry."""
        return self.details.name

    @property
    def num_bytes(self) -> int:
        """Bytes of its weights, tables and series."""
        assert self.forecaster.fitted is not None
        return self.forecaster.fitted.num_bytes

    @property
    def version(self) -> str:
        """Its number in the registry."""
        return self.details.version


class LoadError(Exception):
    """A version cannot be loaded; the message may be shown to anybody.

    Attributes:
        cause: what went wrong inside, for the log; empty where the message says it.
    """

    def __init__(self, reason: str, cause: BaseException | None = None) -> None:
        super().__init__(reason)
        self.cause = first_line(cause) if cause else ""


class ForeignModel(LoadError):
    """A version is none of ours: somebody else shares the registry."""


def _try(name: str, version: str, folder: Path, tags: Mapping[str, str]) -> LoadedModel:
    """Load a version from a folder and let it forecast.

    Raises:
        Unloadable: it cannot.
    """
    try:
        forecaster = Forecaster.load(folder, device="cpu")
        made = forecaster.predict(_trial(forecaster))
        details = describe(name, version, forecaster, _read_metrics(tags))
    except ArtifactError as error:
        reason = str(error).removeprefix(f"model {error.path}: ")
        raise LoadError(reason.replace(str(folder), "its folder")) from error
    except Exception as error:
        log.debug("load failed", exc_info=True)
        raise LoadError("it cannot make forecasts", error) from error
    if not np.isfinite(made.points).all():
        raise LoadError("its forecasts are no numbers")
    if _lacks_bounds(forecaster, made):
        raise LoadError("its intervals are no numbers: they are not calibrated")
    return LoadedModel(forecaster, details)


def _trial(forecaster: Forecaster) -> Panel:
    """Return the series seen in training, with some future of what must be known."""
    assert forecaster.fitted is not None
    return go_on(forecaster.fitted.context, forecaster.windows.horizon)


def _lacks_bounds(forecaster: Forecaster, made: Forecast) -> bool:
    """Return whether bounds are missing; beyond the range of numbers they may lie."""
    assert forecaster.fitted is not None
    table = forecaster.fitted.intervals
    scaling = (table.scaling.exponent, table.scaling.typical)
    bounds = [side for pair in made.intervals.values() for side in pair]
    calibrated = np.isfinite(table.quantiles).all() and np.isfinite(scaling).all()
    return not calibrated or bool(np.isnan(bounds).any())


def _read_metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers in the tag ``metrics``, a JSON object; others are left out."""
    try:
        plain = json.loads(tags.get("metrics", "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(plain, dict):
        return {}
    return {key: float(value) for key, value in plain.items() if _is_shown(key, value)}


def _is_shown(key: str, value: object) -> bool:
    """Return whether a metric is a number, and its name a text that can be sent."""
    try:
        key.encode()
        return isinstance(value, int | float) and math.isfinite(value)
    except (UnicodeEncodeError, OverflowError):
        return False
