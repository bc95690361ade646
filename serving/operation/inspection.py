"""A file that a client sends, as `recast inspect` reads it; nothing is stored.

A thread of its own reads one file at a time, so that forecasts go on beside it. A
reading cannot be cut, and is bounded by the bytes, rows and columns of the file.
"""

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import DataError, SettingError
from forecasting.inspection.command import train_command
from forecasting.inspection.findings import Inspection
from forecasting.inspection.questions import Reading
from forecasting.inspection.sent import find_option, inspect_sent, read_sent
from forecasting.io.csv_format import TableLimits
from forecasting.timestamps.zones import format_moments
from serving.errors import RequestError, shortened
from serving.forecasts.thread_pool import ForecastThreads
from serving.schemas.operation import (
    InspectedColumn,
    InspectedSeries,
    InspectionAnswer,
    OpenQuestion,
    ReadingOptions,
)
from serving.settings import Settings

MAX_WAITING = 4  # files that are read or wait
MAX_COLUMNS = 200
MAX_SHOWN_SERIES = 20
MAX_SHOWN_POINTS = 5000
MAX_EXAMPLE = 100  # characters of a cell


class Inspections:
    """Reads files that clients send, one at a time.

    Args:
        settings: of the service.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = TableLimits(settings.max_points, MAX_COLUMNS)
        self._max_bytes = settings.max_body_bytes
        self._threads = ForecastThreads(1, MAX_WAITING, name="inspection")

    async def inspect(self, data: bytes, options: ReadingOptions) -> bytes:
        """Return the inspection of a file as JSON.

        Args:
            data: content of the file.
            options: of reading.

        Raises:
            RequestError: the file is no table, or an option is invalid.
            TooBusy: too many files wait already.
        """
        return await self._threads.run(self._inspect, data, options)

    def close(self) -> None:
        """Stop reading."""
        self._threads.close()

    def _inspect(self, data: bytes, options: ReadingOptions) -> bytes:
        try:
            requested = Schema.of(**options.reading())
            reading = read_sent(
                "the file",
                data,
                requested,
                limits=self._limits,
                max_bytes=self._max_bytes,
            )
            _check_readable(reading)
            inspection = inspect_sent(reading, requested, options.windows())
        except SettingError as error:
            raise RequestError([(("query",), str(error))], error) from error
        except DataError as error:
            raise RequestError([(("body",), str(error))], error) from error
        return _answer(reading, inspection, options).model_dump_json().encode()


def _check_readable(reading: Reading) -> None:
    """Raise the error of a file that no option makes readable.

    Raises:
        DataError: there is such an error.
    """
    if reading.panel is None and find_option(reading.questions[0]) is None:
        raise reading.questions[0]


def _answer(
    reading: Reading, inspection: Inspection, options: ReadingOptions
) -> InspectionAnswer:
    panel, series = reading.panel, inspection.series
    training = inspection.training
    windows = options.windows()
    if training is not None:
        windows = {"horizon": training.horizon} | windows
    season_length = None
    if series is not None:
        by_values = series.seasons[0] if series.seasons else 1
        season_length = series.calendar_season if series.frequency else by_values
    count = 0 if panel is None else len(panel)
    return InspectionAnswer(
        notes=[shortened(note) for note in inspection.notes],
        columns=_columns(inspection),
        questions=[
            OpenQuestion(problem=shortened(str(error)), option=find_option(error))
            for error in reading.questions
        ],
        freq=None if series is None else series.frequency,
        zone=None if series is None else series.zone,
        season_length=season_length,
        decimal=None if panel is None else panel.schema.decimal,
        rows=len(reading.table.frame) if panel is None else len(panel.values),
        num_series=count,
        series=[] if panel is None else _series(panel),
        left_out=max(count - MAX_SHOWN_SERIES, 0),
        seq_len=None if training is None else training.seq_len,
        horizon=None if training is None else training.horizon,
        problem=None if training is None else training.problem,
        command=train_command(options.file, options.reading(), windows),
    )


def _columns(inspection: Inspection) -> list[InspectedColumn]:
    return [
        InspectedColumn(
            name=column.name,
            role=column.role,
            kind=column.kind,
            example=shortened(column.example, MAX_EXAMPLE),
            reason=shortened(column.reason),
        )
        for column in inspection.columns
    ]


def _series(panel: Panel) -> list[InspectedSeries]:
    """Return the last observations of the first series."""
    shown = []
    for i in range(min(len(panel), MAX_SHOWN_SERIES)):
        end = int(panel.offsets[i + 1])
        begin = max(int(panel.offsets[i]), end - MAX_SHOWN_POINTS)
        moments = panel.timestamps[begin:end]
        is_dated = isinstance(moments[0], np.datetime64)
        stamps = format_moments(moments, panel.calendar.zone) if is_dated else moments
        shown.append(
            InspectedSeries(
                id=panel.series_ids[i],
                timestamps=stamps.tolist(),
                values=panel.values[begin:end].tolist(),
            )
        )
    return shown
