"""Predictions of a model of discrete series as tables.

classify   a row for each series: series_id, label, probability_CLASS ...
label      a row for each step: series_id, step, label, probability_CLASS ...
next       a row for each series: series_id, symbol, probability
generate   a row for each symbol: series_id, step, symbol
explain    a row for each step and channel: series_id, label, step, channel, part
"""

from typing import Any

import numpy as np
import pandas as pd

from forecasting.sequences.answers.explanation import explain_class
from forecasting.sequences.classifier import SequenceClassifier
from forecasting.sequences.reading.tables import SequenceData
from forecasting.sequences.storage import SequenceModel
from forecasting.sequences.symbols.model import SymbolModel

PROBABILITY = "probability"


def predict_table(model: SequenceModel, data: SequenceData) -> pd.DataFrame:
    """Return the predictions of a trained model; see the module.

    Args:
        model: the model.
        data: series of its kind, with its channels.

    Raises:
        InvalidSeries, ShapeError: a series cannot be read.
        UnknownSymbols: a symbol that the training did not have.
    """
    if isinstance(model, SymbolModel):
        return _next_table(model, data)
    classes = model.classes_.tolist()
    if isinstance(model, SequenceClassifier):
        rows = model.predict_proba(data.series)
        columns = {"series_id": np.array(data.ids, object)}
    else:
        every = model.predict_proba(data.series)
        lengths = [len(one) for one in every]
        rows = np.concatenate(every)
        columns = {
            "series_id": np.repeat(np.array(data.ids, object), lengths),
            "step": np.concatenate([np.arange(1, n + 1) for n in lengths]),
        }
    columns["label"] = model.classes_[rows.argmax(1)]
    for code, label in enumerate(classes):
        columns[f"{PROBABILITY}_{label}"] = rows[:, code]
    return pd.DataFrame(columns)


def generate_table(
    model: SymbolModel, data: SequenceData, length: int, **sampling: Any
) -> pd.DataFrame:
    """Return symbols generated after each series; see the module.

    Args:
        model: the model.
        data: series of symbols, each the beginning of a generation.
        length: number of symbols, at most.
        sampling: as in `SymbolModel.sample`.

    Raises:
        SettingError: a setting of the generation is out of range.
        UnknownSymbols: a symbol that the training did not have.
    """
    frames = []
    for series_id, begin in zip(data.ids, data.series, strict=True):
        symbols = model.sample(length, seed=begin, **sampling)
        steps = np.arange(1, len(symbols) + 1)
        rows = {"series_id": series_id, "step": steps, "symbol": symbols}
        frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)


def explain_table(model: SequenceClassifier, data: SequenceData) -> pd.DataFrame:
    """Return the parts of all steps in the label of each series; see the module.

    A part is that of `forecasting.sequences.answers.explanation.ClassExplanation`.

    Args:
        model: a trained classifier.
        data: series of its channels.

    Raises:
        InvalidSeries, ShapeError: a series cannot be read.
    """
    frames, names = [], list(model.columns_.channels)
    for series_id, one in zip(data.ids, data.series, strict=True):
        explanation = explain_class(model, one)
        steps = len(explanation.parts)
        rows = {
            "series_id": series_id,
            "label": explanation.label,
            "step": np.repeat(np.arange(1, steps + 1), len(names)),
            "channel": np.tile(np.array(names, object), steps),
            "part": explanation.parts.ravel(),
        }
        frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)


def _next_table(model: SymbolModel, data: SequenceData) -> pd.DataFrame:
    for series_id, one in zip(data.ids, data.series, strict=True):
        model.alphabet_.encode(one, f"series {series_id!r}")  # names an unknown symbol
    probabilities = model.predict_proba(data.series)
    codes = probabilities.argmax(1)
    return pd.DataFrame(
        {
            "series_id": data.ids,
            "symbol": model.alphabet_.decode(codes),
            PROBABILITY: probabilities.max(1),
        }
    )
