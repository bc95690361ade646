"""A model of discrete series in the interface of MLflow's Python models."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from forecasting.errors import SettingError
from forecasting.sequences.answers.tables import generate_table, predict_table
from forecasting.sequences.reading.tables import read_sequence_frame
from forecasting.sequences.storage import SequenceModel
from forecasting.sequences.symbols.model import SymbolModel


class PyfuncSequences:
    """Adapts a model of discrete series to the interface of MLflow's Python models."""

    def __init__(self, model: SequenceModel) -> None:
        self.model = model

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the table of `predict_table`, or of `generate_table` with a length.

        Args:
            model_input: a row for each step, with the columns of the training; a label
                is not needed.
            params: of a model of symbols: ``length`` (0 for the next symbol alone),
                ``temperature``, ``top_k`` (0 for all), ``stop`` (empty for none) and
                ``seed`` of the draws (-1 for another one each time).

        Raises:
            DataError: the rows are no series of the kind of the training.
            SettingError: a parameter is out of range, or not of this model.
        """
        options = dict(params or {})
        columns, task = self.model.columns_, self.model.task
        frame = model_input.reset_index(drop=True)
        data = read_sequence_frame(
            frame, task, columns, labelled=False, source="model input"
        )
        length = int(options.get("length") or 0)
        if not length:
            return predict_table(self.model, data)
        if not isinstance(self.model, SymbolModel):
            raise SettingError("length", length, f"0 for a model of the task {task}")
        seed = int(options.get("seed", -1))
        return generate_table(
            self.model,
            data,
            length,
            temperature=float(options.get("temperature", 1.0)),
            top_k=int(options.get("top_k") or 0) or None,
            stop=options.get("stop") or None,
            random_state=None if seed < 0 else seed,
        )
