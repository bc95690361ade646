"""Series of a file in any of its forms: table, archive, text.

.ts, .tsv   a file of the UCR or UEA archives, for labels of series
.txt        one series of characters, for symbols; of an archive, for labels of series
others      tables with a row for each step: CSV, Parquet, Excel
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from forecasting.data.schema import Names, Schema
from forecasting.errors import InvalidSeries, UnreadableData
from forecasting.io.csv_format import read_table
from forecasting.sequences.reading.archives import read_archive
from forecasting.sequences.reading.columns import (
    SequenceColumns,
    Task,
    default_columns,
)
from forecasting.sequences.reading.inference import infer_columns
from forecasting.sequences.reading.tables import (
    ONE_SERIES,
    SequenceData,
    read_sequences,
)

BYTE_ORDER_MARK = "\ufeff"
Read = tuple[SequenceData, SequenceColumns]


def is_archive(path: Path, task: Task, columns: SequenceColumns) -> bool:
    """Return whether a file is one of the UCR or UEA archives.

    A ``.tsv`` or ``.txt`` with named columns is a table.
    """
    if path.suffix.lower() == ".ts":
        return True
    is_named = bool(columns.series_id or columns.label or columns.channels)
    is_text = path.suffix.lower() in (".tsv", ".txt")
    return task == "classify" and is_text and not is_named


def read_training_series(
    path: Path,
    task: Task,
    requested: SequenceColumns,
    *,
    time: Names | None = None,
    is_one_series: bool = False,
) -> Read:
    """Read the series of a training, and infer the columns that are not requested.

    Args:
        path: of the file, see the module.
        task: a label for a series, a label for a step, or symbols.
        requested: columns by the user; empty ones are inferred.
        time: columns of the time by the user: empty for rows in order, None to infer.
        is_one_series: whether the user says that all rows are one series.

    Returns:
        The series, with notes on all decisions, and the columns.

    Raises:
        UnreadableData: the file cannot be read, or is of another task.
        DataError: the series cannot be used; the message names place and reason.
    """
    if is_archive(path, task, requested):
        return _read_labelled(path, task)
    if path.suffix.lower() == ".txt" and task == "next" and not requested.symbol:
        columns = replace(
            default_columns("next"), is_text=True, encoding=requested.encoding
        )
        return _read_text(path, columns), columns
    table = read_table(path, _schema(requested, time))
    columns, notes = infer_columns(
        table, task, requested, time=time, is_one_series=is_one_series
    )
    data = read_sequences(table, task, columns)
    return replace(data, notes=(*notes, *data.notes)), columns


def read_new_series(
    path: Path, task: Task, columns: SequenceColumns, *, labelled: bool = False
) -> SequenceData:
    """Read series for a trained model, or its test part.

    Args:
        path: of the file, see the module.
        task: of the model.
        columns: of the training.
        labelled: whether labels are read.

    Raises:
        UnreadableData: the file cannot be read, or is of another task.
        DataError: the series cannot be used; the message names place and reason.
    """
    is_default = replace(columns, is_text=False) == default_columns(
        task, len(columns.channels)
    )
    plain = SequenceColumns() if is_default else columns
    if is_archive(path, task, plain):
        return _read_labelled(path, task)[0]
    if columns.is_text and path.suffix.lower() == ".txt":
        return _read_text(path, columns)
    table = read_table(path, columns.schema)
    return read_sequences(table, task, columns, labelled=labelled)


def _schema(requested: SequenceColumns, time: Names | None) -> Schema:
    return replace(requested.schema, time=time, series_id=requested.series_id or None)


def _read_labelled(path: Path, task: Task) -> Read:
    """Read a file of an archive, its series named by their number.

    Raises:
        UnreadableData: the task is no label for each series.
    """
    if task != "classify":
        problem = f"it has a label for each series, and the task is {task}"
        raise UnreadableData(path, problem, "Give a table, or --task classify.")
    series, labels = read_archive(path)
    widths = {one.shape[1]: number for number, one in enumerate(series, 1)}
    if len(widths) > 1:
        shown = " and ".join(f"{w} (series {n})" for w, n in sorted(widths.items()))
        advice = "Give series of the same channels."
        raise InvalidSeries(
            str(path), f"series have different channels: {shown}", advice
        )
    ids = tuple(str(number) for number in range(1, len(series) + 1))
    columns = default_columns("classify", series[0].shape[1])
    return SequenceData(ids, list[Any](series), list[Any](labels)), columns


def _read_text(path: Path, columns: SequenceColumns) -> SequenceData:
    """Read a text as one series of characters.

    Raises:
        UnreadableData: it is no text of that encoding, or empty.
    """
    encoding = columns.encoding or "utf-8"
    try:
        text = path.read_text(encoding=encoding).removeprefix(BYTE_ORDER_MARK)
    except (OSError, UnicodeDecodeError, LookupError) as error:
        problem = f"it cannot be read as a text in {encoding}"
        raise UnreadableData(path, problem, "Say it with --encoding.") from error
    if not text:
        raise UnreadableData(path, "it is empty", "Give a text.")
    return SequenceData((ONE_SERIES,), [list(text)])
