"""Processors, GPUs and memory that a job needs, by which a cluster places it."""

from typing import Annotated

from pydantic import BaseModel, ByteSize, ConfigDict, Field


class Resources(BaseModel):
    """Needs of a job; a training does not depend on them.

    Each field is described in docs/settings.md.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    gpus: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    memory: Annotated[ByteSize, Field(gt=0)] | None = None  # bytes, or text: 2GB
