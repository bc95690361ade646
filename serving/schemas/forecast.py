"""What is sent and what comes back: the JSON of every route, with examples."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serving.schemas.series import Number, Series

FEW = Field(fail_fast=True, max_length=1000)  # the settings allow fewer


Level = Annotated[Number, Field(ge=1, le=99)]


class ForecastRequest(BaseModel):
    """What to forecast; empty means: go on with the series seen in training."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "series": [
                        {
                            "id": "a",
                            "values": [112.0, 118.0, 132.0, 129.0, 121.0],
                            "timestamps": [
                                "2024-01-01",
                                "2024-02-01",
                                "2024-03-01",
                                "2024-04-01",
                                "2024-05-01",
                            ],
                        }
                    ],
                    "horizon": 2,
                    "levels": [80, 95],
                },
                {"series": [{"id": "a", "values": [1.0, 2.0, 3.0, 4.0, 5.0]}]},
                {},
            ]
        },
    )

    series: Annotated[list[Series], Field(min_length=1)] | None = None
    """Histories to continue; default the series seen in training."""
    horizon: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Steps ahead; default the trained horizon."""
    levels: Annotated[list[Level], FEW] = [80.0, 95.0]
    """Central intervals in percent: 80 is the central 80 %."""


class ModelSelector(BaseModel):
    """Which version of a model answers; default the service's alias."""

    model_config = ConfigDict(extra="forbid")

    alias: str | None = Field(
        None, min_length=1, description="A registry alias, such as champion."
    )
    version: int | None = Field(None, ge=1, description="A version number.")

    @model_validator(mode="after")
    def _at_most_one(self) -> "ModelSelector":
        if self.alias is not None and self.version is not None:
            raise ValueError("give an alias or a version, not both")
        return self


class Answering(BaseModel):
    """The model that made a forecast."""

    name: str
    version: str
    alias: str | None = Field(description="The alias it was asked by; null by version.")


class Interval(BaseModel):
    """Bounds of a central interval, one a step; null beyond the range of numbers."""

    lower: list[float | None]
    upper: list[float | None]


class SeriesForecast(BaseModel):
    """The forecast of one series."""

    id: str
    timestamps: list[str] | list[int] | None = Field(
        description="Of the steps ahead; null for series sent without timestamps."
    )
    point: list[float]
    intervals: dict[str, Interval] = Field(description='By level in percent: "80".')


class ForecastAnswer(BaseModel):
    """Forecasts, and the version that made them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": {"name": "sales", "version": "3", "alias": "champion"},
                    "forecasts": [
                        {
                            "id": "a",
                            "timestamps": [
                                "2024-06-01T00:00:00",
                                "2024-07-01T00:00:00",
                            ],
                            "point": [123.4, 126.1],
                            "intervals": {
                                "80": {"lower": [119.2, 120.3], "upper": [127.6, 131.9]}
                            },
                        }
                    ],
                }
            ]
        }
    )

    model: Answering
    forecasts: list[SeriesForecast]


class History(BaseModel):
    """The last observations of a series seen in training, as a request takes them."""

    id: str
    timestamps: list[str] | list[int]
    values: list[float]
    past_covariates: dict[str, list[float] | list[str]] = {}
    known_covariates: dict[str, list[float] | list[str]] = {}
    static_covariates: dict[str, float | str] = {}


class ModelSummary(BaseModel):
    """A model that answers under an alias, and what a request to it needs."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    version: str
    """The version that answers."""
    alias: str | None
    """The alias it answers to here; null when it was asked by version."""
    aliases: list[str]
    """All aliases that point to this version in the registry."""
    latest: bool
    """Whether no newer version is registered."""
    seq_len: int
    """Observations in a window."""
    least_history: int
    """Observations that a history needs at least: mostly seq_len."""
    horizon: int
    """Steps ahead that the model was trained for; more are possible."""
    freq: str | None
    """Frequency of the timestamps, a pandas alias; null for integer steps."""
    target: str
    """What is forecast: the name of the column."""
    num_series: int
    """Number of series seen in training."""
    cell: str
    """Kind of recurrent network."""
    metrics: dict[str, float]
    """What the backtest measured; empty when nothing was recorded."""
    trained_until: str | int
    """The last timestamp seen in training."""


class ModelDetails(ModelSummary):
    """All that is known of a model."""

    covariates: dict[str, list[str]]
    """Names by role, past, known and static: what a series comes with."""
    series_ids: list[str]
    """The first hundred series seen in training."""
    context: list[History]
    """Where the first few of these ended: their last observations."""


class ModelList(BaseModel):
    """The models that answer, by name."""

    models: list[ModelSummary]


class Flaw(BaseModel):
    """One thing that is wrong with a request, and where."""

    loc: list[str | int] = Field(examples=[["body", "series", 0, "values"]])
    msg: str


class Problem(BaseModel):
    """Problem details as in RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:recast:problem:unknown-model",
                    "title": "No model of that name is registered",
                    "status": 404,
                    "detail": "There is no model 'sale'. There is: sales.",
                    "errors": [],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    errors: list[Flaw]
