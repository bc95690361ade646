"""A label for every step of a series, by a recurrent network in both directions.

The loss is the cross-entropy at every labelled step; steps without a label are read,
and learn nothing. Long series are cut into windows for training; those that a member
leaves out for validation follow each other in time.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from forecasting.datasets.rows import RowBatches
from forecasting.devices import Device, limit_threads
from forecasting.errors import InvalidLabels, InvalidSeries, SettingError
from forecasting.models.cells import Cell, Merge
from forecasting.sequences.base import SeriesEstimator, draw_seeds
from forecasting.sequences.data import PaddedSeries, is_ragged, pad_array, pad_series
from forecasting.sequences.folds import num_folds, train_on_folds
from forecasting.sequences.network import PADDING, SequenceNetwork, mark_lengths
from forecasting.sequences.reading.columns import Task
from forecasting.sequences.reading.labels import encode_labels, is_missing
from forecasting.sequences.scaling import ChannelScaler, SeriesMethod
from forecasting.training.recipe.config import Schedule
from forecasting.types import FloatArray

CPU = torch.device("cpu")
Labels = npt.NDArray[Any]


class SequenceLabeler(SeriesEstimator):
    """Recurrent networks that give each step of a series a label.

    Args:
        cell: ``rnn``, ``lstm``, ``gru`` or ``mlp``.
        hidden_size: size of each direction's state.
        num_layers: recurrent layers on top of each other.
        bidirectional: read the series in both directions; without it, a label depends
            on the steps up to its own only.
        merge: combination of the two directions: ``concat``, ``sum`` or ``mul``.
        dropout: share of a layer's outputs dropped before the next layer.
        window: steps of the windows that training series are cut into.
        normalization: of each channel: ``standard`` by the training, ``series`` by each
            series, ``none``.
        members: networks trained from different seeds, on different folds; the
            probabilities are their mean.
        epochs, batch_size, learning_rate, schedule, optimizer, weight_decay, clip_norm,
            patience, validation, device, random_state: see `SequenceClassifier`; they
            count windows.

    Attributes:
        classes_: the labels, sorted.
        networks_, scaler_, history_: see `SequenceClassifier`.

    >>> series = np.sin(np.arange(300.0) / 5)
    >>> labels = np.where(series > 0, "up", "down")
    >>> labeler = SequenceLabeler(hidden_size=8, window=50, epochs=30, random_state=0)
    >>> labeler.fit([series], [labels]).predict([np.array([0.5, 0.9, -0.9])])
    [array(['up', 'up', 'down'], dtype='<U4')]
    """

    task: ClassVar[Task] = "label"

    def __init__(
        self,
        *,
        cell: Cell = "gru",
        hidden_size: int = 32,
        num_layers: int = 1,
        bidirectional: bool = True,
        merge: Merge = "concat",
        dropout: float = 0.0,
        window: int = 64,
        normalization: SeriesMethod = "standard",
        members: int = 3,
        epochs: int = 50,
        batch_size: int = 4,
        learning_rate: float = 5e-3,
        schedule: Schedule = "one_cycle",
        optimizer: Literal["adam", "adamw"] = "adamw",
        weight_decay: float = 1e-2,
        clip_norm: float | None = 1.0,
        patience: int = 50,
        validation: float = 0.2,
        device: Device = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.merge = merge
        self.dropout = dropout
        self.window = window
        self.normalization = normalization
        self.members = members
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.patience = patience
        self.validation = validation
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Sequence[Sequence[Any]]) -> Self:  # noqa: N803
        """Train on series with a label at each step.

        Args:
            X: ``(series, steps)`` or ``(series, steps, channels)``, or a list of arrays
                ``(steps,)`` or ``(steps, channels)`` of any lengths.
            y: the labels of each series, ``(steps,)``; None, NaN and empty text are
                missing ones.

        Raises:
            InvalidLabels: there is one class only, or labels do not fit the series.
            InvalidSeries, ShapeError: a series cannot be read.
            SettingError: a setting is out of range.
            TrainingDiverged: the loss became infinite.
        """
        self._check_window()
        model, training = self._configs(patch_len=1)
        series = self._series(X, reset=True)
        self.classes_ = _find_classes(y)
        targets = self._targets(series, y)
        self.scaler_ = ChannelScaler.fit(series, self.normalization)
        scaled = self.scaler_.scale_series(series)
        rows = _cut(scaled, targets, int(self.window))
        random = check_random_state(self.random_state)
        folds = num_folds(training.validation, len(rows))
        ensemble = train_on_folds(
            partial(
                SequenceNetwork,
                model,
                classes=len(self.classes_),
                seq_len=rows.inputs.shape[1],
                channels=self.channels_,
                at="step",
                varying=True,
            ),
            rows,
            torch.arange(len(rows)) * folds // len(rows) if folds else None,
            training,
            draw_seeds(random, model.members),
        )
        self.networks_, self.history_ = ensemble.networks, ensemble.history
        return self

    def predict_proba(self, X: Any) -> list[FloatArray]:  # noqa: N803
        """Return the probability of each class at each step.

        Returns:
            For each series, ``(steps, classes)``.

        Raises:
            InvalidSeries, ShapeError: a series cannot be read.
        """
        check_is_fitted(self)
        series = self._series(X, reset=False)
        rows: list[FloatArray] = []
        with torch.no_grad(), limit_threads(CPU, self.hidden_size):
            for block in series.blocks():
                scaled = self.scaler_.scale_series(block)
                lengths = None if block.are_equal else block.lengths
                members = [
                    network.logits(scaled.values, lengths)[0].softmax(-1)
                    for network in self.networks_
                ]
                mean = torch.stack(members).mean(0).numpy()
                pairs = zip(mean, block.lengths.tolist(), strict=True)
                rows += [row[:length] for row, length in pairs]
        return rows

    def predict(self, X: Any) -> list[Labels]:  # noqa: N803
        """Return the most probable label at each step, for each series ``(steps,)``."""
        return [self.classes_[row.argmax(1)] for row in self.predict_proba(X)]

    def score(self, X: Any, y: Sequence[Sequence[Any]]) -> float:  # noqa: N803
        """Return the share of labelled steps with the right prediction."""
        right = count = 0
        for found, labels in zip(self.predict(X), y, strict=True):
            expected = encode_labels(_as_list(labels), self.classes_.tolist())
            codes = encode_labels(found.tolist(), self.classes_.tolist())
            right += int(((codes == expected) & (expected >= 0)).sum())
            count += int((expected >= 0).sum())
        return right / max(count, 1)

    def check_settings(self, steps: int) -> None:
        """Check all settings before a training; see `SeriesEstimator`."""
        super().check_settings(steps)
        self._check_window()

    def _check_window(self) -> None:
        if not isinstance(self.window, int | np.integer) or self.window < 1:
            raise SettingError("window", self.window, "a whole number of at least 1")

    def _series(self, X: Any, *, reset: bool) -> PaddedSeries:  # noqa: N803
        """Return series padded; steps may differ from those of the training."""
        if is_ragged(X) or not len(X):
            series = pad_series(X)
        else:
            series = pad_series(list(pad_array(np.asarray(X, np.float64)).values))
        if reset:
            self.channels_ = series.channels
        self._check_channels(series)
        return series

    def _targets(self, series: PaddedSeries, y: Sequence[Sequence[Any]]) -> Tensor:
        """Return the code at each step, negative for none, ``(series, steps)``."""
        if len(y) != len(series):
            problem = f"there are labels of {len(y)} series; expected {len(series)}"
            raise InvalidLabels(problem, "Give a list of labels for each series.")
        targets = torch.full(series.values.shape[:2], PADDING)
        for number, labels in enumerate(y):
            codes = encode_labels(_as_list(labels), self.classes_.tolist())
            length = int(series.lengths[number])
            if len(codes) != length:
                where, steps = f"series {number}", len(codes)
                problem = f"it has {length} steps and {steps} labels"
                advice = "Give a label for each step; None where there is none."
                raise InvalidSeries(where, problem, advice)
            targets[number, :length] = torch.from_numpy(codes)
        return targets


def _as_list(labels: Sequence[Any]) -> list[Any]:
    return np.asarray(labels, object).ravel().tolist()


def _find_classes(y: Sequence[Sequence[Any]]) -> Labels:
    """Return the distinct labels, sorted.

    Raises:
        InvalidLabels: fewer than two, or of several types.
    """
    labels = {one for row in y for one in _as_list(row) if not is_missing(one)}
    if len(labels) < 2:
        found = ", ".join(map(repr, labels)) or "none"
        problem = f"the labels are of one class or none ({found}); expected two or more"
        raise InvalidLabels(problem, "Label steps of other classes.")
    try:
        return np.array(sorted(labels))
    except TypeError as error:
        raise InvalidLabels(
            "the labels are of several types", "Give text, or numbers."
        ) from error


def _cut(series: PaddedSeries, targets: Tensor, window: int) -> RowBatches:
    """Cut series into windows with a label at least, padded; those of a series in time.

    Raises:
        InvalidLabels: no step has a label.
    """
    size = min(window, series.values.shape[1])
    padded = series.pad_to_multiple(size)
    extra = padded.values.shape[1] - targets.shape[1]
    codes = torch.nn.functional.pad(targets, (0, extra), value=PADDING)
    values = mark_lengths(padded.values, padded.mask).unflatten(1, (-1, size))
    values, codes = values.flatten(0, 1), codes.unflatten(1, (-1, size)).flatten(0, 1)
    labelled = (codes >= 0).any(1)
    return RowBatches(values[labelled], codes[labelled])
