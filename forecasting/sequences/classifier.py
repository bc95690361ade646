"""RNN, LSTM and GRU as scikit-learn classifiers of series: one label each.

Networks, training loop and engines are those of the forecasters. Where all training
series have one length, the compiled loops train the networks.
"""

from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from forecasting.datasets.rows import RowBatches
from forecasting.devices import Device, limit_threads
from forecasting.errors import InvalidLabels
from forecasting.models.cells import Merge
from forecasting.models.config import RecurrentConfig
from forecasting.sequences.base import (
    SeriesEstimator,
    choose_patch_len,
    draw_seeds,
)
from forecasting.sequences.data import PaddedSeries
from forecasting.sequences.features.mixture import FeatureKind, FeatureMixture
from forecasting.sequences.folds import assign_folds, num_folds, train_on_folds
from forecasting.sequences.network import SequenceNetwork, mark_lengths
from forecasting.sequences.reading.columns import Task
from forecasting.sequences.scaling import ChannelScaler, SeriesMethod
from forecasting.training import TrainingConfig
from forecasting.training.recipe.config import Schedule
from forecasting.types import FloatArray, IntArray

CPU = torch.device("cpu")


class SequenceClassifier(ClassifierMixin, SeriesEstimator):  # type: ignore[misc]
    """Recurrent networks that give each series a label, and its probability.

    Args:
        hidden_size: size of each direction's state.
        num_layers: recurrent layers on top of each other.
        bidirectional: read the series in both directions.
        merge: combination of the two directions: ``concat``, ``sum`` or ``mul``.
        dropout: share of a layer's outputs dropped before the next layer.
        patch_len: steps that the network reads at once; None: so many that the longest
            training series has at most 64 of them.
        normalization: of each channel: ``standard`` by the training, ``series`` by each
            series, ``none``.
        features: random features whose ridge classifier is mixed with the networks, by
            their cross-entropy on series left out: ``convolutions`` (the most accurate
            on most archives), ``reservoirs`` (random recurrent networks), None.
        class_weight: ``balanced`` weights classes by their rarity; None not at all.
        members: networks trained from different seeds, on different folds; the
            probabilities are their mean.
        epochs: maximum passes over all series.
        batch_size: series per optimizer step.
        learning_rate: of the optimizer.
        schedule: of the learning rate: ``constant`` or ``one_cycle``.
        optimizer: ``adam`` or ``adamw``.
        weight_decay: of the optimizer.
        clip_norm: bound on the gradient's global norm; None for no bound.
        patience: epochs without a better validation loss before training stops.
        validation: share of the series that each member leaves out, and that selects
            its best weights; 0 for none.
        device: of the training: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        engine: ``auto``, ``torch`` or ``fused``, see `forecasting.TrainingConfig`.
        random_state: same seed, same probabilities (on one CPU).

    Attributes:
        classes_: the labels, sorted.
        networks_: the members, on the CPU, in float64.
        scaler_: normalisation of the channels.
        mixture_: the random features and their share; None without.
        history_: one record per epoch and member.
    """

    task: ClassVar[Task] = "classify"

    def __init__(
        self,
        *,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: Merge = "concat",
        dropout: float = 0.0,
        patch_len: int | None = None,
        normalization: SeriesMethod = "standard",
        features: FeatureKind | None = None,
        class_weight: Literal["balanced"] | None = None,
        members: int = 5,
        epochs: int = 100,
        batch_size: int = 16,
        learning_rate: float = 5e-3,
        schedule: Schedule = "one_cycle",
        optimizer: Literal["adam", "adamw"] = "adamw",
        weight_decay: float = 1e-2,
        clip_norm: float | None = 1.0,
        patience: int = 50,
        validation: float = 0.2,
        device: Device = "auto",
        engine: Literal["auto", "torch", "fused"] = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.merge = merge
        self.dropout = dropout
        self.patch_len = patch_len
        self.normalization = normalization
        self.features = features
        self.class_weight = class_weight
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
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: npt.ArrayLike) -> Self:  # noqa: N803
        """Train on series with one label each.

        Args:
            X: ``(series, steps)`` or ``(series, steps, channels)``, or a list of arrays
                ``(steps,)`` or ``(steps, channels)`` of any lengths.
            y: labels, ``(series,)``.

        Raises:
            InvalidLabels: there is one class only, or a label is missing.
            InvalidSeries, ShapeError: a series cannot be read.
            SettingError: a setting is out of range.
            TrainingDiverged: the loss became infinite.
        """
        series = self._read(X, reset=True)
        codes = self._read_labels(y)
        check_consistent_length(series.lengths, codes)
        steps = int(series.lengths.max())
        self.patch_len_ = choose_patch_len(self.patch_len, steps)
        model, training = self._configs(self.patch_len_)
        random = check_random_state(self.random_state)
        self.scaler_ = ChannelScaler.fit(series, self.normalization)
        self.varying_ = not series.are_equal
        self._train(series, codes, model, training, random)
        return self

    def _train(
        self,
        series: PaddedSeries,
        codes: IntArray,
        model: RecurrentConfig,
        training: TrainingConfig,
        random: np.random.RandomState,
    ) -> None:
        """Train the networks on folds; mix in the random features."""
        rows = RowBatches(self._inputs(series), self._targets(codes))
        folds = num_folds(training.validation, len(codes))
        ensemble = train_on_folds(
            partial(
                SequenceNetwork,
                model,
                classes=len(self.classes_),
                seq_len=rows.inputs.shape[1],
                channels=self.channels_,
                varying=self.varying_,
            ),
            rows,
            assign_folds(codes, folds, random) if folds else None,
            training,
            draw_seeds(random, model.members),
        )
        self.networks_, self.history_ = ensemble.networks, ensemble.history
        self.mixture_ = None
        if self.features is not None:
            self.mixture_ = FeatureMixture.fit(
                self.features,
                self.scaler_.scale_series(series),
                torch.from_numpy(codes),
                self._left_out(series, ensemble.left_out),
                draw_seeds(random, 1)[0],
            )

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: N803
        """Return the probability of each class, ``(series, classes)``.

        Args:
            X: series as in `fit`, of any length if they are a list.

        Raises:
            InvalidSeries, ShapeError: a series cannot be read.
            ValueError: an array has another number of steps than in training.
        """
        check_is_fitted(self)
        series = self._read(X, reset=False)
        with torch.no_grad(), limit_threads(CPU, self.hidden_size):
            blocks = [self._probabilities(block) for block in series.blocks()]
        probabilities: FloatArray = torch.cat(blocks).numpy()
        return probabilities

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Return the most probable label of each series, ``(series,)``."""
        codes = self.predict_proba(X).argmax(1)
        labels: npt.NDArray[Any] = self.classes_[codes]
        return labels

    def _read_labels(self, y: npt.ArrayLike) -> IntArray:
        """Set ``classes_``; return the code of each label."""
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        if labels.dtype == object and any(one is None for one in labels):
            raise InvalidLabels(
                "a series has no label", "Leave it out, or give its label."
            )
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise InvalidLabels(
                f"all labels are of one class, {classes.tolist()[0]!r}; expected two "
                "classes or more",
                "Give series of other classes.",
            )
        self.classes_ = classes
        return codes.astype(np.int64)

    def _targets(self, codes: IntArray) -> Tensor:
        """Return the weight of each class, ``(series, classes)``."""
        every = np.arange(len(self.classes_))
        weights = compute_class_weight(self.class_weight, classes=every, y=codes)
        one_hot = torch.nn.functional.one_hot(torch.from_numpy(codes), len(every))
        return one_hot * torch.from_numpy(weights)

    def _inputs(self, series: PaddedSeries) -> Tensor:
        """Return scaled series as the networks read them in training."""
        scaled = self.scaler_.scale_series(series).pad_to_multiple(self.patch_len_)
        return (
            mark_lengths(scaled.values, scaled.mask)
            if self.varying_
            else (scaled.values)
        )

    def _member_logits(self, series: PaddedSeries) -> Tensor:
        """Return the logarithms of probabilities, ``(members, series, classes)``."""
        scaled = self.scaler_.scale_series(series).pad_to_multiple(self.patch_len_)
        lengths = None if series.are_equal else series.lengths
        members = [
            network.logits(scaled.values, lengths)[0].log_softmax(1)
            for network in self.networks_
        ]
        return torch.stack(members)

    def _probabilities(self, series: PaddedSeries) -> Tensor:
        """Return the mean probabilities of the members, mixed with the features."""
        members = self._member_logits(series)
        mean = members.exp().mean(0)
        if self.mixture_ is None:
            return mean
        scaled = self.scaler_.scale_series(series)
        return self.mixture_.mix(scaled, mean.log()).softmax(1)

    @torch.no_grad()
    def _left_out(self, series: PaddedSeries, mask: Tensor) -> Tensor:
        """Return logits by the members that left a series out; NaN where none did.

        Args:
            mask: whether a member left a series out, ``(members, series)``.
        """
        with limit_threads(CPU, self.hidden_size):
            blocks = [self._member_logits(block) for block in series.blocks()]
        weights = mask[..., None].double()  # (members, series, 1)
        probabilities = torch.cat(blocks, 1).exp()
        return ((probabilities * weights).sum(0) / weights.sum(0)).log()
