"""What a model's forecast depends on, as a batch job: a CSV or a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecasting.explanation.explain import Explanation, Part, explain
from forecasting.forecaster.forecaster import Forecaster
from pipelines.errors import OutputError
from pipelines.jobs.forecast import read_latest
from pipelines.output.files import check_output, write_csv, write_png
from pipelines.output.plots import plot_explanation

KINDS = (".csv", ".png")


def explain_model(
    forecaster: Forecaster,
    *,
    data: Path | None,
    columns: Mapping[str, Any],
    part: Part,
) -> tuple[Explanation, tuple[str, ...]]:
    """Explain forecasts of new observations, or of the series seen in training.

    Args:
        forecaster: trained.
        data: CSV whose windows are averaged; without it, where training ended.
        columns: time, target and series_id columns, where they are not plain.
        part: the whole model, or its network alone.

    Returns:
        The explanation, and notes on what was guessed while reading.

    Raises:
        DataError: the observations cannot be used.
    """
    if data is None:
        return explain(forecaster, part=part), ()
    panel = read_latest(forecaster, data, columns)
    return explain(forecaster, panel, part=part), panel.notes


def check_kind(output: Path | None) -> None:
    """Make sure, before the work starts, that an explanation can be written.

    Raises:
        OutputError: its name ends in neither .csv nor .png, or there is no place.
    """
    if output is not None and output.suffix.lower() not in KINDS:
        raise OutputError(output, "its name ends neither in .csv nor in .png")
    check_output(output)


def write_explanation(explanation: Explanation, output: Path) -> None:
    """Write the numbers as CSV, or the heat map as PNG, as the name says.

    Raises:
        OutputError: the file cannot be written.
    """
    check_kind(output)
    if output.suffix.lower() == ".csv":
        write_csv(explanation.to_frame(), output)
    else:
        write_png(plot_explanation(explanation), output)
