"""Schemas of queries and responses of the v1 routes, with examples."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ModelSelector(BaseModel):
    """The alias or version of the model to use; default the service's alias."""

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
    """The model and version of a forecast; zero_shot where no model was named."""

    name: str
    version: str
    alias: str | None = Field(
        description="The alias in the request; null where it named a version, or no "
        "model."
    )


class Interval(BaseModel):
    """Bounds of a central interval, one per step; null where infinite."""

    lower: list[float | None]
    upper: list[float | None]


class SeriesForecast(BaseModel):
    """The forecast of one series."""

    id: str
    method: str = Field(
        description="The method that made the forecast: network, halfway (the mean of "
        "network and smoothing or linear), linear, smoothing, seasonal_naive, "
        "last_value or zero_shot; without a model, the parts of a mean, such as "
        "smoothing+regression."
    )
    timestamps: list[str] | list[int] | None = Field(
        description="Timestamps of the steps, with the zone or offset that was sent; "
        "null for series sent without any."
    )
    point: list[float]
    intervals: dict[str, Interval] = Field(description='By level in percent: "80".')


class ForecastAnswer(BaseModel):
    """Forecasts, and the model version that made them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": {"name": "sales", "version": "3", "alias": "champion"},
                    "forecasts": [
                        {
                            "id": "a",
                            "method": "network",
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
    """The last observations of a series seen in training, in the form of a request."""

    id: str
    timestamps: list[str] | list[int]
    values: list[float]
    past_covariates: dict[str, list[float] | list[str]] = {}
    known_covariates: dict[str, list[float] | list[str]] = {}
    static_covariates: dict[str, float | str] = {}


class ModelSummary(BaseModel):
    """A model that answers under an alias, and the requirements of a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    version: str
    """The version that answers."""
    alias: str | None
    """The alias in the request; null where it named a version."""
    aliases: list[str]
    """All aliases that point to this version in the registry."""
    latest: bool
    """Whether no newer version is registered."""
    task: Literal["forecast"] = "forecast"
    """Which requests it answers; models of discrete series have other tasks."""
    seq_len: int
    """Observations in a window."""
    least_history: int
    """Minimum length of a history: seq_len for most models, 1 where a guard forecasts
    shorter series by their last value."""
    horizon: int
    """Steps ahead that the model was trained for; more are possible."""
    freq: str | None
    """Frequency of the timestamps, a pandas alias; null for integer steps."""
    target: str
    """Name of the forecast column."""
    num_series: int
    """Number of series seen in training."""
    cell: str
    """Kind of recurrent network."""
    methods: dict[str, int]
    """Number of training series that each method forecasts."""
    metrics: dict[str, float]
    """Metrics of the backtest; empty when none was recorded."""
    trained_until: str | int
    """The last timestamp seen in training."""


class DataColumn(BaseModel):
    """A column of the training data."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    role: Literal["time", "target", "series_id", "past", "known", "static"]
    kind: Literal["timestamp", "number", "text"]
    """Series ids and categories are text, even if they look like numbers."""
    categories: list[str] | None = None
    """The first hundred categories of a covariate of text."""
    num_categories: int | None = None
    """Number of all categories of a covariate of text."""


class TrainingData(BaseModel):
    """The training data as they were read; new data are read in the same way."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    columns: list[DataColumn]
    """Columns in use; without time and series ids where these had no column."""
    freq: str | None
    """Frequency of the timestamps, a pandas alias; null for integer steps."""
    zone: str | None
    """Time zone of the timestamps; null without one."""
    time_format: str | None
    """Form of the timestamps, as in strptime; null where it is inferred."""
    decimal: str | None
    """Mark before decimals; null where it is inferred."""
    missing: str
    """Treatment of missing values: error, interpolate, forward, mean or zero."""
    resample: str | None
    """Steps to which rows are gathered; null where they are not."""
    aggregate: str | None
    """Value of the rows of one step; null where a step has one row."""


class ModelDetails(ModelSummary):
    """A model with its data, covariates, series and latest observations."""

    data: TrainingData
    """Columns of the training data, and how they are written."""
    covariates: dict[str, list[str]]
    """Names of the required covariates by role: past, known and static."""
    series_ids: list[str]
    """The first hundred series seen in training."""
    context: list[History]
    """The last observations of the first few of these series."""


class Flaw(BaseModel):
    """A flaw of a request, with its location."""

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
