"""Schema of a series in a request: its history and its covariates."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field, WithJsonSchema

MAX_ID_LENGTH = 500  # characters; the response repeats an id at each step
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Numbers = Annotated[list[Number], FailFast()]

# `serving.forecasts.panels` checks the kind against the model: dates or steps.
TimestampList = Annotated[
    list[Any],
    WithJsonSchema(
        {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        }
    ),
]

# `serving.forecasts.covariates` checks the kind against the model: numbers or text.
Value = Annotated[
    Any, WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]})
]


class Series(BaseModel):
    """The history of one series."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    id: str = Field(min_length=1, max_length=MAX_ID_LENGTH, strict=True)
    """Name of the series; a series seen in training is scaled as it was there."""
    values: Numbers = Field(min_length=1)
    """Observations, oldest first; at least the model's least_history."""
    timestamps: TimestampList | None = None
    """One for each value: ISO dates, or integer steps if the model has no dates."""
    past_covariates: dict[str, list[Value]] = {}
    """By name, as many as there are values."""
    known_covariates: dict[str, list[Value]] = {}
    """By name, as many as there are values, then one for each step of the horizon."""
    static_covariates: dict[str, Value] = {}
    """By name, one value."""
