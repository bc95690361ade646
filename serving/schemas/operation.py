"""Schemas of the operation of models: versions, aliases, inspections."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from forecasting.data.schema import Aggregate, Decimal, Missing, split_list


class VersionSummary(BaseModel):
    """A version of a model; null for a fact that its registration did not note."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    version: str
    aliases: list[str]
    """Aliases that point to it."""
    created: str | None
    """When it was registered, in UTC."""
    trained_until: str | None
    """Last timestamp of its observations."""
    rows: int | None
    """Number of observations it was trained on."""
    series: int | None
    """Number of series it was trained on."""
    seq_len: int | None
    """Observations in a window."""
    horizon: int | None
    """Steps ahead it was trained for."""
    label: str | None
    """Name of the model in its leaderboard."""
    answers: str | None
    """Methods that forecast its series."""
    metrics: dict[str, float]
    """Errors of its backtest."""
    evidence: str | None
    """Size of its backtest, and its skill, in words."""
    verdict: str | None
    """Why it became the champion, or not."""
    url: str | None
    """Its page in MLflow; null if the registry is no server."""


class VersionList(BaseModel):
    """The newest versions of a model."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    versions: list[VersionSummary]
    """At most 200, newest first."""
    can_promote: bool
    """Whether this request's key may promote."""


class AliasMove(BaseModel):
    """A move of the service's alias."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    alias: str
    version: str
    """The version that it points to now."""
    before: str | None
    """The version that it pointed to before; null without one."""


def _to_names(value: object) -> object:
    """Return the names of a list with commas."""
    return split_list(value) if isinstance(value, str) else value


Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Names = Annotated[
    tuple[Text, ...],
    BeforeValidator(_to_names, json_schema_input_type=str),
    Field(max_length=100),
]


class ReadingOptions(BaseModel):
    """Options of reading a file, as those of `recast inspect`; default all inferred."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    file: str = Field("series.csv", pattern=r"^[^/\\\x00-\x1f]{1,100}$")
    """Name of the file, for the command."""
    time: Text | None = None
    """Column with the timestamps, or several with commas."""
    target: Text | None = None
    """Column to forecast."""
    series_id: Text | None = None
    """Column that names the series, or several with commas."""
    known: Text | None = None
    """Covariates known ahead, with commas."""
    past: Text | None = None
    """Covariates known up to the last observation, with commas."""
    static: Text | None = None
    """Covariates with one value a series, with commas."""
    text: Text | None = None
    """Covariates that hold categories, with commas."""
    freq: Text | None = None
    """Frequency, a pandas alias such as D, MS or h."""
    zone: Text | None = None
    """Time zone of the timestamps."""
    time_format: Text | None = None
    """Form of the timestamps, as in Python: %d.%m.%Y."""
    decimal: Decimal | None = None
    """Mark before the decimals."""
    encoding: Annotated[str, Field(max_length=50, pattern=r"^[\w-]*$")] | None = None
    """Encoding of the file."""
    missing: Missing | None = None
    """Treatment of missing values and moments."""
    resample: Text | None = None
    """Steps to which irregular rows are gathered."""
    aggregate: Aggregate | None = None
    """Value of the rows of one step."""
    seq_len: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Observations that a network reads."""
    horizon: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Steps ahead."""
    folds: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Cutoffs of the backtest."""

    def reading(self) -> dict[str, Any]:
        """Return the attributes of `forecasting.data.schema.Schema` that are set."""
        plain = self.model_dump(include=set(READING), exclude_none=True)
        return {READING[name]: value for name, value in plain.items() if value}

    def windows(self) -> dict[str, int]:
        """Return the lengths and the number of folds that are set."""
        return self.model_dump(include=set(WINDOWS), exclude_none=True)


WINDOWS = ("seq_len", "horizon", "folds")
READING: Mapping[str, str] = {  # attribute of the schema by option
    **{
        name: name
        for name in (
            *("time", "target", "series_id", "text", "freq", "zone", "time_format"),
            *("decimal", "encoding", "missing", "resample", "aggregate"),
        )
    },
    "known": "known_covariates",
    "past": "past_covariates",
    "static": "static_covariates",
}


class InspectedColumn(BaseModel):
    """A column of a file, and its use."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    role: str
    """time, target, series id, past, known or static; empty for an unused one."""
    kind: str
    """dates, numbers, text or empty."""
    example: str
    """Its first value, or the beginning of that."""
    reason: str
    """Why it has the role, or how it gets one."""


class OpenQuestion(BaseModel):
    """A question about a file, and the option that answers it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    problem: str
    option: str | None
    """Key of the query, such as decimal; null where there is no single one."""


class InspectedSeries(BaseModel):
    """The last observations of a series, in the form of a forecast request."""

    id: str
    timestamps: list[str] | list[int]
    values: list[float]


class InspectionAnswer(BaseModel):
    """A file as it is read; without series while a question is open."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    notes: list[str]
    """Guesses and repairs."""
    columns: list[InspectedColumn]
    questions: list[OpenQuestion]
    freq: str | None
    """Frequency; null for numbered steps, and while a question is open."""
    zone: str | None
    season_length: int | None
    """Steps of a season, of the frequency or by the values; 1 for none."""
    decimal: Literal[".", ","] | None
    """Mark before the decimals, where the numbers show one."""
    rows: int
    """Number of rows, or of observations if there are series."""
    num_series: int
    series: list[InspectedSeries]
    """The first 20, at most 5,000 observations each."""
    left_out: int
    """Number of further series."""
    seq_len: int | None
    """Observations that a network would read."""
    horizon: int | None
    """Steps ahead that a training would forecast."""
    problem: str | None
    """Why there can be no training; null if there can."""
    command: str
    """The command that trains on the file."""
