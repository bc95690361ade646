"""Series, columns and test part of a job, checked before a run is opened."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.errors import InvalidSeries
from forecasting.io.sorting import SEPARATOR
from forecasting.sequences.base import SeriesEstimator
from forecasting.sequences.data import pad_series
from forecasting.sequences.evaluation.measurement import Measurement
from forecasting.sequences.evaluation.splits import (
    TestSplit,
    check_classes,
    check_test_classes,
    split_series,
)
from forecasting.sequences.reading.columns import SequenceColumns
from forecasting.sequences.reading.sources import read_new_series, read_training_series
from forecasting.sequences.reading.tables import SequenceData
from forecasting.sequences.storage import SequenceModel
from forecasting.sequences.symbols.alphabet import Alphabet, as_series
from forecasting.sequences.symbols.model import SymbolModel
from pipelines.config.sequence_job import SequenceJob

FEW_SERIES = 10  # of a test part whose figures say almost nothing


@dataclass(frozen=True, slots=True)
class SequenceExperiment:
    """Series of a job, with its test part.

    Attributes:
        job: its settings.
        data: all series for training.
        columns: of the file.
        split: training and test part.
        notes: inferred columns, and other decisions.
    """

    job: SequenceJob
    data: SequenceData
    columns: SequenceColumns
    split: TestSplit
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Number of steps of all series."""
        return sum(map(len, self.data.series))

    def fit(self, data: SequenceData) -> SequenceModel:
        """Train the estimator of the job on series.

        Raises:
            DataError: they cannot be used.
            TrainingDiverged: the loss became infinite.
        """
        model = self.job.make_estimator()
        if isinstance(model, SymbolModel):
            parts = (self.data, self.split.test)
            symbols = {s for part in parts for one in part.series for s in one}
            return model.fit(data.series, symbols=symbols)
        assert data.labels is not None
        model.fit(data.series, data.labels)
        return model

    def fit_final(self, tested: SequenceModel) -> SequenceModel:
        """Train on all series; a test part in a file of its own stays unseen.

        Args:
            tested: the model of the test, which is final with such a file.
        """
        return tested if self.job.data.test is not None else self.fit(self.data)

    def leaderboard(self, measurements: Mapping[str, Measurement]) -> pd.DataFrame:
        """Return the figures of models, best first, with the names as index."""
        scores = pd.DataFrame({name: m.scores for name, m in measurements.items()}).T
        scores.index.name = "model"
        metric = self.job.metric
        ascending = metric == "cross_entropy"
        return scores.sort_values(metric, ascending=ascending, kind="stable")

    def digest_test(self) -> str:
        """Return a checksum of the test part, which tells whether two are the same."""
        test = self.split.test
        checksum = hashlib.sha256(json.dumps([test.ids, test.labels]).encode())
        for one in test.series:
            is_symbols = isinstance(one, list)
            checksum.update(json.dumps(one).encode() if is_symbols else one.tobytes())
        return checksum.hexdigest()[:32]


def read_experiment(job: SequenceJob) -> SequenceExperiment:
    """Read and check the series of a job; nothing is written.

    Raises:
        DataError: the series cannot be used.
        SettingError: a setting is out of range.
    """
    data, columns = read_training_series(
        job.data.path,
        job.task,
        job.data.columns(),
        time=job.data.time,
        is_one_series=job.data.series_id == (),
    )
    if job.task != "next":
        check_classes(data.labels or [])
    _check_series(job, data)
    notes = list(data.notes)
    if job.data.test is None:
        split = split_series(data, job.task)
    else:
        test = read_new_series(job.data.test, job.task, columns, labelled=True)
        _check_same_channels(data, test)
        check_test_classes(data, test, job.task)
        name = job.data.test.name
        split = TestSplit(data, test, f"{len(test)} series of {name}")
    _check_series(job, split.training)
    notes.append(f"test part: {split.description}")
    if job.task == "classify" and len(split.test) < FEW_SERIES:
        notes.append(f"{len(split.test)} series for the test say almost nothing")
    return SequenceExperiment(job, data, columns, split, tuple(notes))


def _check_series(job: SequenceJob, data: SequenceData) -> None:
    """Check that the estimator of the job can be trained on series.

    Raises:
        InvalidSeries, ShapeError: it cannot.
        SettingError: a setting is out of range.
    """
    model = job.make_estimator()
    if isinstance(model, SymbolModel):
        model.check_settings()
        alphabet = Alphabet.fit(as_series(data.series), model.unknown)
        if len(alphabet) < 2 or max(map(len, data.series)) < 2:
            problem = "there is nothing to predict: one symbol, or none after another"
            raise InvalidSeries("the series", problem, "Give longer series.")
        return
    assert isinstance(model, SeriesEstimator)
    pad_series(data.series)
    model.check_settings(max(map(len, data.series)))


def _check_same_channels(training: SequenceData, test: SequenceData) -> None:
    widths = [np.shape(part.series[0])[1:] for part in (training, test)]
    if widths[0] != widths[1]:
        expected, number = (width[0] for width in widths)
        problem = f"its series have {number} channels; expected {expected}"
        raise InvalidSeries("the test part", problem, "Give the channels of training.")


def to_frame(data: SequenceData, columns: SequenceColumns) -> pd.DataFrame:
    """Return series as a table with the columns of their file, without the time.

    A series id of several columns is divided among them.
    """
    lengths = [len(one) for one in data.series]
    frame = pd.DataFrame(index=range(sum(lengths)))
    for place, name in enumerate(columns.series_id):
        parts = [one.split(SEPARATOR) for one in data.ids]
        whole = all(len(part) == len(columns.series_id) for part in parts)
        names = [part[place] for part in parts] if whole else data.ids
        frame[name] = np.repeat(np.array(names, object), lengths)
    if columns.symbol:
        frame[columns.symbol] = [symbol for one in data.series for symbol in one]
        return frame
    values = np.concatenate([np.asarray(one) for one in data.series])
    for place, name in enumerate(columns.channels):
        frame[name] = values[:, place]
    if data.labels is not None:
        steps = [
            one if isinstance(one, list) else [one] * length
            for one, length in zip(data.labels, lengths, strict=True)
        ]
        frame[columns.label] = [label for one in steps for label in one]
    return frame


def begin_of(data: SequenceData, series: int, steps: int) -> SequenceData:
    """Return the first steps of the first series, without labels, as an example."""
    few = data.take(range(min(series, len(data))))
    return replace(few, series=[one[:steps] for one in few.series], labels=None)
