"""Whether forecasts can be had, and what stands in the way."""

from pydantic import BaseModel, ConfigDict, Field

from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller

ANSWERS = ("ready", "degraded")


class Alive(BaseModel):
    """The process answers."""

    status: str = Field("alive", examples=["alive"])


class RegistryState(BaseModel):
    """How it stands with the MLflow registry."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    reachable: bool
    age_seconds: float | None
    """Since it last answered; null when it never has."""
    recalled: bool
    """Whether names and aliases come from the cache: it was away at the start."""


class Refused(BaseModel):
    """A version that an alias points to and that cannot be used."""

    name: str
    version: str
    reason: str


class Readiness(BaseModel):
    """Whether forecasts can be had, and what stands in the way."""

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
    """Say whether forecasts can be had.

    ``unavailable`` with neither registry nor model; ``starting`` until a model answers,
    or all have been tried; ``degraded``, with which forecasts can be had, until then.
    """
    answering, troubles = models.answering(), models.troubles()
    if not answering and not poller.reachable:
        state = "unavailable"
    elif not answering and not poller.settled:
        state = "starting"
    else:
        well = poller.reachable and poller.settled and not troubles
        state = "ready" if well else "degraded"
    return Readiness(
        state=state,
        registry=RegistryState(
            reachable=poller.reachable,
            age_seconds=poller.age,
            recalled=poller.recalled,
        ),
        models=len(answering),
        loading=len(models.moving),
        held=len(models.held),
        refused=[
            Refused(name=name, version=version, reason=reason)
            for (name, version), reason in troubles
        ],
    )
