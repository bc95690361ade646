"""Explain job: importance of observations and covariates, as CSV or heat map."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecasting.explanation.explain import Explanation, Part, explain
from forecasting.forecaster.forecaster import Forecaster
from forecasting.sequences.storage import SequenceModel
from pipelines.jobs.forecast import read_latest
from pipelines.output.files import write_png, write_table
from pipelines.tracking.models import open_any_model


def load_any(reference: str) -> tuple[Forecaster | SequenceModel, str]:
    """Load a model of any task and return it with its full name, ``name version 3``.

    Errors as in `pipelines.tracking.models.open_model`.
    """
    model, version = open_any_model(reference)
    if version is None:
        return model, reference
    return model, f"{version.name} version {version.version}"


def explain_model(
    forecaster: Forecaster,
    *,
    data: Path | None,
    columns: Mapping[str, Any],
    part: Part,
) -> tuple[Explanation, tuple[str, ...]]:
    """Explain forecasts of new observations, or of the series seen in training.

    Args:
        forecaster: trained model.
        data: CSV whose windows are averaged; None for the end of the training series.
        columns: settings of `forecasting.data.schema.Schema` that replace those of
            the training; None keeps them.
        part: ``model`` for the method that answers, ``network`` for the network alone.

    Returns:
        The explanation, and notes on inferred columns.

    Raises:
        DataError: the observations cannot be used.
    """
    if data is None:
        return explain(forecaster, part=part), ()
    panel = read_latest(forecaster, data, columns)
    return explain(forecaster, panel, part=part), panel.notes


def write_explanation(
    explanation: Explanation, output: Path, *, full: bool = False
) -> None:
    """Write an explanation as numbers, or as a heat map (.png).

    Args:
        explanation: the importance of lags and covariates.
        output: path of the file; see `pipelines.output.files.write_table`.
        full: write all digits.

    Raises:
        OutputError: the file cannot be written.
    """
    if output.suffix.lower() == ".png":
        write_png(explanation.plot(), output)
    else:
        write_table(explanation.to_frame(), output, full=full)
