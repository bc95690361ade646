"""Bodies of forecast and explain requests, decoded by msgspec straight from bytes.

Constraints are part of the types, so that decoding ends at the first flaw. Covariates
stay raw JSON: their types depend on the model (`serving.forecasts.covariates`).
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Raw, Struct, field

MAX_ID_LENGTH = 500  # characters; the response repeats an id at each step
MAX_SENT_LEVELS = 1000  # the settings allow fewer
LEVELS = (80.0, 95.0)
ZERO_SHOT_HORIZON = 14

Level = Annotated[float, Meta(ge=1, le=99)]
Levels = Annotated[
    list[Level],
    Meta(max_length=MAX_SENT_LEVELS, extra_json_schema={"default": [*LEVELS]}),
]
SCALAR = {"anyOf": [{"type": "number"}, {"type": "string"}]}
RawValue: TypeAlias = Annotated[Raw, Meta(extra_json_schema=SCALAR)]
RawColumn: TypeAlias = Annotated[
    Raw, Meta(extra_json_schema={"type": "array", "items": SCALAR})
]


def default_levels() -> list[float]:
    """Return the levels of a request that names none."""
    return [*LEVELS]


class Series(Struct, forbid_unknown_fields=True, gc=False):
    """The history of one series."""

    id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_ID_LENGTH,
            description="Name of the series; a series seen in training is scaled as it "
            "was there.",
        ),
    ]
    values: Annotated[
        list[float],
        Meta(
            min_length=1,
            description="Observations, oldest first; at least the model's "
            "least_history.",
        ),
    ]
    timestamps: Annotated[
        list[str | int] | None,
        Meta(
            description="One for each value: ISO dates, or integer steps if the model "
            "has no dates. Dates without an offset are local times of the model's zone."
        ),
    ] = None
    past_covariates: Annotated[
        dict[str, RawColumn],
        Meta(description="By name, as many as there are values."),
    ] = {}
    known_covariates: Annotated[
        dict[str, RawColumn],
        Meta(
            description="By name, as many as there are values, then one for each step "
            "of the horizon."
        ),
    ] = {}
    static_covariates: Annotated[
        dict[str, RawValue], Meta(description="By name, one value.")
    ] = {}


class ForecastRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A forecast request; empty continues the series seen in training."""

    series: Annotated[
        Annotated[list[Series], Meta(min_length=1)] | None,
        Meta(description="Histories to continue; default the series seen in training."),
    ] = None
    horizon: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Steps ahead; default the trained horizon."),
    ] = None
    levels: Annotated[
        Levels,
        Meta(description="Central intervals in percent: 80 is the central 80 %."),
    ] = field(default_factory=default_levels)


class ExplainRequest(ForecastRequest, forbid_unknown_fields=True, gc=False):
    """A request for an explanation: a forecast request; levels have no effect."""

    network: Annotated[
        bool,
        Meta(
            description="Explain the network alone, instead of the method that answers."
        ),
    ] = False


class ZeroShotSeries(Series, forbid_unknown_fields=True, gc=False):
    """The history of one series, for a forecast without a trained model."""

    id: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_ID_LENGTH, description="Name of the series."),
    ]
    values: Annotated[
        list[float],
        Meta(
            min_length=1,
            description="Observations, oldest first; at least 3, and the last 2,048 "
            "are read.",
        ),
    ]
    timestamps: Annotated[
        list[str | int] | None,
        Meta(
            description="One for each value: ISO dates, or integer steps. Their "
            "frequency says how long a season may be."
        ),
    ] = None
    past_covariates: Annotated[
        dict[str, RawColumn],
        Meta(description="Refused: only a trained model reads covariates."),
    ] = {}
    known_covariates: Annotated[
        dict[str, RawColumn],
        Meta(description="Refused: only a trained model reads covariates."),
    ] = {}
    static_covariates: Annotated[
        dict[str, RawValue],
        Meta(description="Refused: only a trained model reads covariates."),
    ] = {}


class ZeroShotRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A request for a forecast without a trained model."""

    series: Annotated[
        list[ZeroShotSeries],
        Meta(min_length=1, description="Histories to continue, of one frequency."),
    ]
    horizon: Annotated[int, Meta(ge=1, description="Steps ahead.")] = ZERO_SHOT_HORIZON
    levels: Annotated[
        Levels,
        Meta(description="Central intervals in percent: 80 is the central 80 %."),
    ] = field(default_factory=default_levels)
    freq: Annotated[
        str | None,
        Meta(
            description="Frequency of the series, a pandas alias such as D, h or MS; "
            "default that of the timestamps. Series without timestamps may have one."
        ),
    ] = None
    season_length: Annotated[
        Annotated[int, Meta(ge=1)] | Literal["auto"],
        Meta(
            description="Steps of a season; 1 for none, auto to let the frequency and "
            "the values decide."
        ),
    ] = "auto"


EXAMPLES: list[dict[str, Any]] = [
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
ZERO_SHOT_EXAMPLES: list[dict[str, Any]] = [
    EXAMPLES[0],
    EXAMPLES[1] | {"freq": "MS", "horizon": 12, "season_length": 12},
]


class Promotion(Struct, forbid_unknown_fields=True):
    """The version that the service's alias is to point to."""

    version: Annotated[
        str,
        Meta(pattern="^[1-9][0-9]{0,8}$", description="Number of a version."),
    ]


PROMOTION_EXAMPLES: list[dict[str, Any]] = [{"version": "3"}]
