"""Scoring requests to models of discrete series; runs in a worker thread.

The tables are those of `forecasting.sequences.answers.pyfunc`, which ``mlflow models
serve`` returns.
"""

import numpy as np
import pandas as pd

from forecasting.sequences.reading.tables import SequenceData, read_sequence_frame
from serving.api.mlflow_scoring.tables import (
    SequenceParams,
    encode_table,
    read_sequence_table,
)
from serving.errors import Loc, RequestError
from serving.registry.loaded_model import LoadedSequences
from serving.sequences.encoding import located_errors
from serving.sequences.values import check_size, group_by_length
from serving.settings import Settings

BODY: Loc = ("body",)
LENGTH: Loc = ("body", "params", "length")


def score_sequences(
    model: LoadedSequences,
    alias: str | None,
    body: bytes,
    settings: Settings,
    *,
    media_type: str,
) -> tuple[bytes, int]:
    """Predict and return the response body as JSON, and the number of series.

    Args:
        model: model to predict with.
        alias: alias of the model's version.
        body: CSV, or JSON of a `SequenceInvocation`.
        settings: the limits.
        media_type: media type of the body.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    frame, params = read_sequence_table(body, media_type, model, settings)
    details, columns = model.details, model.model.columns_
    with located_errors(BODY):
        data = read_sequence_frame(
            frame, details.task, columns, labelled=False, source="model input"
        )
    steps = len(frame) if details.task == "label" else len(data)
    check_size(
        settings,
        [len(one) for one in data.series],
        channels=max(len(details.channels), 1),
        numbers=steps * (details.num_classes + 1),
        loc=BODY,
    )
    with located_errors(BODY):
        table = _predict(model, data, params, settings)
    return encode_table(model, alias, table), len(data)


def _predict(
    model: LoadedSequences,
    data: SequenceData,
    params: SequenceParams,
    settings: Settings,
) -> pd.DataFrame:
    """Return the table of predictions, or of generated symbols with a length.

    Raises:
        RequestError: there is a length for a model that generates nothing, or one
            beyond the limit.
    """
    from forecasting.sequences.answers.tables import generate_table
    from forecasting.sequences.symbols.model import SymbolModel

    symbols = model.model
    if not params.length:
        return _predict_in_groups(model, data)
    if not isinstance(symbols, SymbolModel):
        text = f"0 for a model of the task {model.task}; found {params.length}"
        raise RequestError([(LENGTH, text)])
    if params.length * len(data) > settings.max_length:
        text = f"at most {settings.max_length:,} symbols of all series together"
        raise RequestError([(LENGTH, f"{text}; found {params.length} for each")])
    return generate_table(
        symbols,
        data,
        params.length,
        temperature=params.temperature,
        top_k=params.top_k or None,
        stop=params.stop or None,
        random_state=None if params.seed < 0 else params.seed,
    )


def _predict_in_groups(model: LoadedSequences, data: SequenceData) -> pd.DataFrame:
    """Return the predictions in the order of the series, padded within groups only."""
    from forecasting.sequences.answers.tables import predict_table

    tables, places = [], []
    for group in group_by_length(data.series):
        part = data.take(group)
        tables.append(predict_table(model.model, part))
        is_label = model.task == "label"
        rows = [len(one) if is_label else 1 for one in part.series]
        places.append(np.repeat(group, rows))
    order = np.argsort(np.concatenate(places), kind="stable")
    return pd.concat(tables, ignore_index=True).iloc[order]
