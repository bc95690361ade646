"""Schemas of trainings that a client starts."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.schemas.operation import ReadingOptions

State = Literal["running", "done", "failed", "stopped"]


def bare_name(file: str) -> str:
    """Return the name of a file without the endings of its format.

    >>> bare_name("sales.csv.gz")
    'sales'
    """
    return Path(file.removesuffix(".gz")).stem


class TrainingOptions(ReadingOptions):
    """Name of the model, and options of reading; default all inferred."""

    name: str | None = Field(None, pattern=r"^\w[\w. -]{0,99}$")
    """Name of the registered model; default that of the file."""

    def model_name(self) -> str:
        """Return the name of the model."""
        stem = re.sub(r"[^\w. -]", "-", bare_name(self.file)).lstrip(".- ")
        return self.name or stem or "series"


class TrainingStart(BaseModel):
    """A training that has been started."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    state: State
    command: str
    """The command that does the same."""


class Training(TrainingStart):
    """The state of a training."""

    lines: list[str]
    """The last 200 lines of its output."""
    outcome: dict[str, Any] | None
    """The registered version, as `recast train --json` prints it; null without one."""


class TrainingList(BaseModel):
    """Whether this request may train, and the training that runs."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    can_train: bool
    running: str | None
    """Id of the running training; null without one, and for keys without `train`."""
