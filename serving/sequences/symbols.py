"""The next symbol of series, and generation; runs in a worker thread."""

import time
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from forecasting.types import FloatArray
from serving.errors import AnswerTooSlow, Loc, RequestError
from serving.http.decoding import BodyDecoder
from serving.registry.loaded_model import LoadedSequences
from serving.schemas.sequence_requests import GenerateRequest, NextRequest
from serving.sequences.encoding import SERIES, encode_answer, located_errors
from serving.sequences.values import check_size
from serving.settings import Settings

if TYPE_CHECKING:  # scikit-learn takes a second to import
    from forecasting.sequences.symbols.model import SymbolModel

NEXT = BodyDecoder[NextRequest](NextRequest)
GENERATE = BodyDecoder[GenerateRequest](GenerateRequest)


def predict_next(
    model: LoadedSequences, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Predict the next symbols; return the body as JSON, and the number of series.

    Args:
        model: a model of symbols.
        alias: alias in the request; None where it named a version.
        body: JSON of a `NextRequest`.
        settings: the limits.

    Raises:
        RequestError: the body, or a series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    from forecasting.sequences.symbols.model import SymbolModel

    symbols, request = model.model, NEXT.decode(body)
    assert isinstance(symbols, SymbolModel)
    series, alphabet = request.series, symbols.alphabet_
    top = min(request.top, len(alphabet))
    check_size(
        settings,
        [len(one.symbols) for one in series],
        numbers=len(series) * top,
    )
    for number, one in enumerate(series):
        _check_text(symbols, one.symbols, (*SERIES, number, "symbols"))
    predictions = []
    for number, one in enumerate(series):
        with located_errors((*SERIES, number, "symbols")):
            [row] = symbols.predict_proba([one.symbols])
        listed = _list_top(row, top, alphabet.symbols)
        predictions.append({"id": one.id, **listed[0], "top": listed})
    return encode_answer(model, alias, predictions=predictions), len(series)


def generate(
    model: LoadedSequences, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Generate symbols; return the response body as JSON, and 1 for one series.

    Args:
        model, alias, settings: as in `predict_next`.
        body: JSON of a `GenerateRequest`; empty means ``{}``.

    Raises:
        RequestError: the body, or a value in it, cannot be used.
        AnswerTooSlow: it takes more time than a request has.
    """
    from forecasting.sequences.symbols.model import SymbolModel

    end = time.monotonic() + settings.request_seconds
    symbols, request = model.model, GENERATE.decode(body or b"{}")
    assert isinstance(symbols, SymbolModel)
    if request.length > settings.max_length:
        text = f"at most {settings.max_length:,} symbols; found {request.length:,}"
        raise RequestError([(("body", "length"), text)])
    seed = ("body", "seed")
    check_size(settings, [len(request.seed)], numbers=request.length, loc=seed)
    _check_text(symbols, request.seed, seed)
    generated: list[Any] = []
    with located_errors(seed):
        stream = symbols.stream(
            request.length,
            seed=request.seed,
            temperature=request.temperature,
            top_k=request.top_k,
            stop=request.stop,
            random_state=request.random_state,
        )
        for symbol in stream:
            if time.monotonic() > end:
                raise AnswerTooSlow(settings.request_seconds)
            generated.append(symbol)
    content = encode_answer(
        model,
        alias,
        symbols=generated,
        text="".join(generated) if model.details.is_text else None,
        stopped=len(generated) < request.length,
    )
    return content, 1


def _check_text(model: "SymbolModel", series: Sequence[Hashable], loc: Loc) -> None:
    """Refuse a text for a model whose symbols are no characters.

    Raises:
        RequestError: its characters would be read as symbols.
    """
    if isinstance(series, str) and series and not model.alphabet_.is_text:
        text = "a list of symbols is needed: those of this model are no characters"
        raise RequestError([(loc, text)])


def _list_top(
    row: FloatArray, top: int, symbols: Sequence[Any]
) -> list[dict[str, Any]]:
    """Return the most probable symbols, in order."""
    codes = np.argsort(-row, kind="stable")[:top].tolist()
    return [{"symbol": symbols[code], "probability": row[code]} for code in codes]
