"""Predictions and generated symbols of a model from the registry or a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.errors import SettingError
from forecasting.sequences.answers.tables import explain_table, predict_table
from forecasting.sequences.classifier import SequenceClassifier
from forecasting.sequences.reading.sources import read_new_series
from forecasting.sequences.storage import SequenceModel
from forecasting.sequences.symbols.model import SymbolModel
from pipelines.tracking.models import open_sequence_model


def load_sequence(reference: str) -> tuple[SequenceModel, str]:
    """Load a model and return it with its full name, ``name version 3``.

    Errors as in `pipelines.tracking.models.open_sequence_model`.
    """
    model, version = open_sequence_model(reference)
    if version is None:
        return model, reference
    return model, f"{version.name} version {version.version}"


def predict_file(
    model: SequenceModel, path: Path
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the predictions for the series of a file, and notes on their reading.

    Args:
        model: trained model.
        path: of a table with the columns of the training, or of an archive or text.

    Raises:
        DataError: the series cannot be used.
    """
    data = read_new_series(path, model.task, model.columns_)
    return predict_table(model, data), data.notes


def explain_file(
    model: SequenceModel, name: str, path: Path | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the parts of steps in the labels of the series of a file, and notes.

    Args:
        model: trained classifier.
        name: of the model, for messages.
        path: as in `predict_file`.

    Raises:
        DataError: the series cannot be used.
        SettingError: there is no file, or the model is no classifier.
    """
    if not isinstance(model, SequenceClassifier):
        expected = f"of the task classify or forecast; {name} has the task {model.task}"
        raise SettingError("model", name, expected)
    if path is None:
        expected = f"a file with series: {name} does not store those of its training"
        raise SettingError("--data", None, expected)
    data = read_new_series(path, model.task, model.columns_)
    return explain_table(model, data), data.notes


@dataclass(frozen=True, slots=True)
class Generated:
    """Symbols that a model generated.

    Attributes:
        symbols: in their order.
        text: the symbols joined, where they are characters; None else.
        stopped: whether the stop symbol ended the generation.
    """

    symbols: list[Any]
    text: str | None
    stopped: bool

    def to_frame(self) -> pd.DataFrame:
        """Return the symbols as a table: ``step, symbol``."""
        steps = range(1, len(self.symbols) + 1)
        return pd.DataFrame({"step": list(steps), "symbol": self.symbols})


def generate_symbols(
    model: SequenceModel,
    name: str,
    *,
    seed: str,
    length: int,
    temperature: float,
    top_k: int | None,
    stop: str | None,
    random_state: int | None,
) -> Generated:
    """Generate symbols after a seed.

    Args:
        model: a model of symbols.
        name: of the model, for messages.
        seed: text to begin with; symbols that are no characters are divided by spaces.
        length, temperature, top_k, stop, random_state: as in `SymbolModel.sample`.

    Raises:
        SettingError: a setting is out of range, or the model is of another task.
        UnknownSymbols: a symbol of the seed that the training did not have.
    """
    if not isinstance(model, SymbolModel):
        expected = f"of the task next; {name} has the task {model.task}: recast predict"
        raise SettingError("model", name, expected)
    if random_state is not None and not 0 <= random_state < 2**32:
        raise SettingError("random_state", random_state, f"from 0 to {2**32 - 1}")
    is_text = model.columns_.is_text
    begin: Sequence[str] = list(seed) if is_text else seed.split()
    symbols = model.sample(
        length,
        seed=begin,
        temperature=temperature,
        top_k=top_k,
        stop=stop,
        random_state=random_state,
    )
    text = "".join(map(str, symbols)) if is_text else None
    return Generated(symbols, text, stop is not None and len(symbols) < length)
