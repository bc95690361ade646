"""Bodies of requests to models of discrete series, decoded by msgspec from bytes.

Constraints are part of the types, so that decoding ends at the first flaw; those that
depend on the model are checked in `serving.sequences`.
"""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from serving.schemas.request import MAX_ID_LENGTH

MAX_TOP = 1000  # symbols listed for each series
MAX_SEED = 2**32 - 1  # of random numbers

SeriesId = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_ID_LENGTH, description="Name of the series."),
]
Symbol: TypeAlias = str | int | float | bool
Symbols: TypeAlias = str | list[Symbol]


class NumberSeries(Struct, forbid_unknown_fields=True, gc=False):
    """A series of numbers."""

    id: SeriesId
    values: Annotated[
        list[float | list[float]],
        Meta(
            min_length=1,
            description="A number for each step, oldest first; for models of several "
            "channels, a list of their numbers for each step.",
        ),
    ]


class ClassifyRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A request for the class of each series."""

    series: Annotated[list[NumberSeries], Meta(min_length=1)]
    explain: Annotated[
        bool, Meta(description="Return the part of each step in the class.")
    ] = False


class LabelRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A request for the label of each step."""

    series: Annotated[list[NumberSeries], Meta(min_length=1)]
    probabilities: Annotated[
        bool, Meta(description="Return the probability of each class at each step.")
    ] = True


class SymbolSeries(Struct, forbid_unknown_fields=True, gc=False):
    """A series of symbols."""

    id: SeriesId
    symbols: Annotated[
        Symbols,
        Meta(description="A list of symbols, or a text: a series of characters."),
    ]


class NextRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A request for the symbol that follows each series."""

    series: Annotated[list[SymbolSeries], Meta(min_length=1)]
    top: Annotated[
        int, Meta(ge=1, le=MAX_TOP, description="Symbols listed, by probability.")
    ] = 5


class GenerateRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A request for the symbols that follow a seed, drawn one at a time."""

    seed: Annotated[
        Symbols,
        Meta(
            description="Symbols to begin with; empty: one drawn by its frequency, "
            "which is then the first of the answer."
        ),
    ] = ""
    length: Annotated[int, Meta(ge=1, description="Number of symbols, at most.")] = 100
    temperature: Annotated[
        float,
        Meta(
            description="Below 1 probable symbols become more probable, above 1 less; "
            "0.001 to 100."
        ),
    ] = 1.0
    top_k: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Draw from so many of the most probable symbols; null: all."),
    ] = None
    stop: Annotated[
        Symbol | None, Meta(description="Symbol that ends the generation.")
    ] = None
    random_state: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_SEED)] | None,
        Meta(description="Same number, same symbols; null: other ones each time."),
    ] = None


EXAMPLES: dict[type[Struct], list[dict[str, Any]]] = {
    ClassifyRequest: [
        {"series": [{"id": "a", "values": [0.1, 0.4, 0.2]}], "explain": True},
        {"series": [{"id": "a", "values": [[0.1, 9.8], [0.3, 9.7]]}]},
    ],
    LabelRequest: [{"series": [{"id": "a", "values": [0.1, 0.4, 0.2]}]}],
    NextRequest: [{"series": [{"id": "a", "symbols": "hel"}], "top": 3}],
    GenerateRequest: [
        {"seed": "hel", "length": 20, "temperature": 0.8, "random_state": 1},
        {"seed": ["login", "search"], "length": 5, "stop": "logout"},
    ],
}
