"""Liveness and readiness of the service."""

from pydantic import BaseModel, ConfigDict, Field

from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller

FORECASTING_STATES = ("ready", "degraded")


class Alive(BaseModel):
    """Liveness: the process answers."""

    status: str = Field("alive", examples=["alive"])


class RegistryState(BaseModel):
    """State of the MLflow registry."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    reachable: bool
    age_seconds: float | None
    """Since it last answered; null when it never has."""
    recalled: bool
    """Whether names and aliases come from the cache: it was away at the start."""
    configured: bool
    """Whether there should be one: MLFLOW_TRACKING_URI is set, or it has answered."""


class Refused(BaseModel):
    """A version that an alias points to and that cannot be used."""

    name: str
    version: str
    reason: str


class Readiness(BaseModel):
    """Whether the models can forecast, and the causes if not."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    state: str = Field(examples=["ready", "degraded"])
    """``ready``; ``degraded`` when something below is wrong and forecasts go on."""
    registry: RegistryState
    models: int
    """Models that answer under the service's alias."""
    loading: int
    """Versions that are being loaded to take over."""
    held: int
    """Versions in memory."""
    refused: list[Refused]
    """Versions that were refused; where there was one, the last good one answers."""


def readiness(models: ModelStore, poller: Poller) -> Readiness:
    """Report whether the models can forecast.

    The state is ``unavailable`` with neither registry nor model; ``starting`` until a
    model answers or all have been tried; ``degraded``, with forecasts, while the
    registry is away, models are still being tried or an alias points to a refused
    version; else ``ready``. Without a registry that could be away, because none is
    configured, the service is ready: for forecasts without a model.
    """
    answering, failures = models.answering(), models.list_failures()
    if not answering and not poller.reachable and poller.has_registry:
        state = "unavailable"
    elif not answering and not poller.settled:
        state = "starting"
    else:
        is_reached = poller.reachable or not poller.has_registry
        healthy = is_reached and poller.settled and not failures
        state = "ready" if healthy else "degraded"
    return Readiness(
        state=state,
        registry=RegistryState(
            reachable=poller.reachable,
            age_seconds=poller.age,
            recalled=poller.from_cache,
            configured=poller.has_registry,
        ),
        models=len(answering),
        loading=len(models.pending_swaps),
        held=len(models.loaded),
        refused=[
            Refused(name=name, version=version, reason=reason)
            for (name, version), reason in failures
        ],
    )
