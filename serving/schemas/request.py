"""Body of forecast and explain requests, decoded by msgspec straight from bytes.

Constraints are part of the types, so that decoding ends at the first flaw. Covariates
stay raw JSON: their types depend on the model (`serving.forecasts.covariates`).
"""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Raw, Struct, field

MAX_ID_LENGTH = 500  # characters; the response repeats an id at each step
MAX_SENT_LEVELS = 1000  # the settings allow fewer
LEVELS = (80.0, 95.0)

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
