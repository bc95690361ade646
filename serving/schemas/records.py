"""Schemas of queries and responses of the routes of a track record."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.schemas.forecast import Answering, Interval, ModelSelector

MAX_PAGE = 100_000  # points of a history
MAX_SERIES_PAGE = 1000
MAX_FOLDS_PAGE = 1000
MAX_ID = 500  # characters of a series id
MAX_OFFSET = 2**53

Number = float | None
Covariate = list[float | None] | list[str]


class SeriesQuery(ModelSelector):
    """Query for the list of series."""

    search: str = Field(
        "",
        max_length=MAX_ID,
        description="Part of the names, in capitals or not; empty for all series.",
    )
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Series to pass over.")
    limit: int = Field(50, ge=1, le=MAX_SERIES_PAGE, description="Series of a page.")
    sort: Literal["name", "error"] = Field(
        "name", description="By name, or by mean absolute error, the largest first."
    )


class HistoryQuery(ModelSelector):
    """Query for the history of a series."""

    id: str = Field(max_length=MAX_ID, description="Id of the series.")
    offset: int | None = Field(
        None,
        ge=0,
        le=MAX_OFFSET,
        description="Points to pass over, from the oldest; default so many that the "
        "page ends with the series.",
    )
    limit: int = Field(10_000, ge=1, le=MAX_PAGE, description="Points of a page.")


class ContextQuery(ModelSelector):
    """Query for the last observations of a series."""

    id: str = Field(max_length=MAX_ID, description="Id of the series.")


class BacktestQuery(ModelSelector):
    """Query for the past forecasts of a series."""

    id: str = Field(max_length=MAX_ID, description="Id of the series.")
    offset: int = Field(
        0, ge=0, le=MAX_OFFSET, description="Forecasts to pass over, from the oldest."
    )
    limit: int = Field(
        100,
        ge=1,
        le=MAX_FOLDS_PAGE,
        description="Forecasts of a page; it has fewer where they would be more than "
        f"{MAX_PAGE:,} steps.",
    )


class SeriesEntry(BaseModel):
    """A series seen in training, and the error of its past forecasts."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    method: str | None
    """The method that forecasts it; null where none does."""
    observations: int
    """Number of observations."""
    first: str | int
    """Timestamp of the first one."""
    last: str | int
    """Timestamp of the last one."""
    mae: Number
    """Mean absolute error in the unit of the data; null where it was not tested."""
    baseline_mae: Number
    """The same of the best simple baseline."""
    coverage: dict[str, Number]
    """Share of the values inside each interval, by level in percent."""


class SeriesList(BaseModel):
    """A page of the series seen in training."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: Answering
    total: int
    """Number of series that match the search."""
    offset: int
    left_out: int
    """Number of series of the model without a stored history, for its size."""
    series: list[SeriesEntry]


class FutureSteps(BaseModel):
    """The steps after the last observation, with the plan stored with the model."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    timestamps: list[str] | list[int]
    known_covariates: dict[str, Covariate | None]
    """One value a step, or fewer where the plan ends; null without a plan."""


class SeriesHistory(BaseModel):
    """A page of the observations of a series, oldest first."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: Answering
    id: str
    target: str
    freq: str | None
    zone: str | None
    total: int
    """Number of observations."""
    offset: int
    """Observations before the first of the page."""
    timestamps: list[str] | list[int]
    values: list[Number]
    known_covariates: dict[str, Covariate]
    future: FutureSteps


class PastForecast(BaseModel):
    """A forecast from a past cutoff, and the values that came."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    cutoff: str | int
    """The last timestamp available to the forecast."""
    timestamps: list[str] | list[int]
    point: list[Number]
    actual: list[Number]
    baseline_point: list[Number]
    """Forecast of the best simple baseline."""
    intervals: dict[str, Interval]


class SeriesBacktest(BaseModel):
    """A page of the past forecasts of a series, oldest first."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: Answering
    id: str
    levels: list[float]
    baseline: str
    total: int
    """Number of forecasts; 0 for a series that is too short for the backtest."""
    offset: int
    forecasts: list[PastForecast]


class LeaderboardRow(BaseModel):
    """Scores of a model over the whole backtest; null where undefined."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str
    serves: bool
    """Whether it is the model that answers."""
    mae: Number
    rmse: Number
    mase: Number
    skill: Number
    skill_lower: Number
    skill_upper: Number
    coverage: dict[str, Number]
    """Share of the values inside each interval, by level in percent."""


class StepErrors(BaseModel):
    """Mean absolute error of a model at each step ahead."""

    model: str
    serves: bool
    mae: list[Number]


class SeriesError(BaseModel):
    """Error of a series beside that of the best baseline."""

    id: str
    mae: Number
    baseline_mae: Number


class MomentError(BaseModel):
    """A step of a past forecast with a large error."""

    id: str
    cutoff: str | int
    timestamp: str | int
    actual: Number
    point: Number
    error: Number


class ModelEvaluation(BaseModel):
    """Figures of the backtest of a model, beside those of simple baselines."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: Answering
    target: str
    metric: str
    """Of the ranking."""
    baseline: str
    """The simple baseline with the lowest error."""
    folds: int
    """Number of cutoffs."""
    origins: int
    """Number of forecasts."""
    horizon: int
    num_series: int
    """Number of series seen in training."""
    left_out: int
    """Number of series without a stored history, for its size."""
    season_length: int
    evidence: str
    """Size of the backtest and interval of the skill, in words."""
    levels: list[float]
    leaderboard: list[LeaderboardRow]
    by_step: list[StepErrors]
    methods: dict[str, int]
    """Number of series that each method forecasts."""
    worst_series: list[SeriesError]
    """Largest error first."""
    worst_moments: list[MomentError]
    """Largest error first."""
