"""Explain job: importance of observations and covariates, as CSV or heat map."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecasting.explanation.explain import Explanation, Part, explain
from forecasting.forecaster.forecaster import Forecaster
from pipelines.errors import OutputError
from pipelines.jobs.forecast import read_latest
from pipelines.output.files import check_output, write_csv, write_png
from pipelines.output.plots import plot_explanation

OUTPUT_SUFFIXES = (".csv", ".png")


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


def check_explanation_output(output: Path | None) -> None:
    """Check, before the work starts, that an explanation can be written to a file.

    Raises:
        OutputError: the name ends in neither .csv nor .png, or the folder cannot be
            written to.
    """
    if output is not None and output.suffix.lower() not in OUTPUT_SUFFIXES:
        raise OutputError(output, "its name ends neither in .csv nor in .png")
    check_output(output)


def write_explanation(explanation: Explanation, output: Path) -> None:
    """Write an explanation as numbers (.csv) or as a heat map (.png).

    Raises:
        OutputError: the file cannot be written.
    """
    check_explanation_output(output)
    if output.suffix.lower() == ".csv":
        write_csv(explanation.to_frame(), output)
    else:
        write_png(plot_explanation(explanation), output)
