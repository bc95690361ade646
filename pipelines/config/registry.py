"""Promotion of a new version: the section ``registry`` of a job file."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from pipelines.config.aliases import CHAMPION, check_alias


class RegistryConfig(BaseModel):
    """Alias that a new version may take, and the condition."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alias: Annotated[str, AfterValidator(check_alias)] = CHAMPION
    promote: Literal["if_better", "always", "never"] = "if_better"
