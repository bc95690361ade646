"""Base class of the three scikit-learn regressors; subclasses set the cell.

They take rows instead of series, one window per row, oldest first, and work in
pipelines, grid searches and cross-validation like any other regressor. Networks,
linear start and training loop are those of
`forecasting.forecaster.forecaster.Forecaster`.
"""

from copy import deepcopy
from dataclasses import fields
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from forecasting.datasets.rows import RowBatches
from forecasting.datasets.window_dataset import EVALUATION_BATCH
from forecasting.devices import Device, limit_threads, pick_device
from forecasting.errors import ShapeError
from forecasting.forecaster.fit import train_networks
from forecasting.models.cells import Cell, Merge
from forecasting.models.config import RecurrentConfig, Strategy
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart, fit_linear
from forecasting.regressors.rows import RowMethod, RowNormalizer
from forecasting.regressors.shrinkage import network_share, shrink
from forecasting.training import TrainingConfig
from forecasting.training.recipe.losses import LossName
from forecasting.types import FloatArray


class WindowRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A recurrent network, or the mean of several, that forecasts windows.

    Args:
        hidden_size: size of each direction's state.
        num_layers: recurrent layers on top of each other.
        bidirectional: read the window in both directions.
        merge: combination of the two directions: ``concat``, ``sum`` or ``mul``.
        dropout: share of a layer's outputs dropped before the next layer.
        strategy: of multi-step forecasts: ``direct``, ``recursive`` or ``seq2seq``.
        linear_skip: start from a ridge regression; depart from it as far as the latest
            rows support.
        normalization: of the rows: ``standard`` (by mean and deviation, the forecast
            as a change from the last value), ``last`` (the inputs too are changes from
            the window's last value: the level is removed), ``none``.
        members: networks trained from different seeds; the forecast is their mean.
        epochs: maximum passes over all rows.
        batch_size: rows per optimizer step.
        learning_rate: of the Adam optimizer.
        loss: ``mse``, ``mae``, ``huber`` or ``quantile`` (the median).
        clip_norm: bound on the gradient's global norm; None for no bound.
        patience: epochs without a better validation loss before training stops.
        validation: share of the rows, the latest, that selects the linear part's
            penalty and the epoch; 0 for none.
        device: of the training: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        random_state: same seed, same forecasts (on one CPU).

    Attributes:
        networks_: the members, on the CPU, in float64.
        normalizer_: fitted on the earlier rows.
        history_: one record per epoch and member.
    """

    cell: ClassVar[Cell]

    def __init__(
        self,
        *,
        hidden_size: int = 32,
        num_layers: int = 1,
        bidirectional: bool = False,
        merge: Merge = "concat",
        dropout: float = 0.0,
        strategy: Strategy = "direct",
        linear_skip: bool = True,
        normalization: RowMethod = "standard",
        members: int = 6,
        epochs: int = 300,
        batch_size: int = 32,
        learning_rate: float = 3e-3,
        loss: LossName = "mse",
        clip_norm: float | None = 1.0,
        patience: int = 30,
        validation: float = 0.15,
        device: Device = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.merge = merge
        self.dropout = dropout
        self.strategy = strategy
        self.linear_skip = linear_skip
        self.normalization = normalization
        self.members = members
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.loss = loss
        self.clip_norm = clip_norm
        self.patience = patience
        self.validation = validation
        self.device = device
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:  # noqa: N803
        """Train on windows.

        Args:
            X: ``(rows, seq_len)`` or ``(rows, seq_len, features)``, oldest row first;
                the first feature is the forecast one.
            y: following values, ``(rows,)`` or ``(rows, horizon)``.

        Raises:
            ValueError: X or y is invalid, or a setting is out of range.
            TrainingDiverged: the loss became infinite.
        """
        model, training = self._configs()
        values, targets = validate_data(
            self,
            X,
            y,
            multi_output=True,
            y_numeric=True,
            dtype=np.float64,
            allow_nd=True,
        )
        self.one_step_ = targets.ndim == 1
        steps = torch.tensor(targets, dtype=torch.float64).reshape(len(targets), -1)
        rows = RowBatches(_as_windows(values), steps)
        self.features_ = rows.inputs.shape[2]
        earlier, later = rows.split(training.validation)
        self.normalizer_ = RowNormalizer.fit(
            earlier, self.normalization, fed_back=model.strategy != "direct"
        )
        with limit_threads(pick_device(training.device), model.hidden_size):
            self._train_members(
                self.normalizer_.scale_rows(earlier),
                self.normalizer_.scale_rows(later),
                model,
                training,
            )
        return self

    def predict(self, X: npt.ArrayLike) -> FloatArray:  # noqa: N803
        """Forecast the values after windows, in the shape of the training targets.

        Returns:
            ``(rows,)`` or ``(rows, horizon)``, like y.

        Raises:
            ValueError: X has another seq_len than in training, or missing values.
            ShapeError: X has another number of features.
        """
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, allow_nd=True, reset=False)
        inputs = _as_windows(values)
        if inputs.shape[2] != self.features_:
            expected = ("rows", inputs.shape[1], self.features_)
            raise ShapeError("X", tuple(inputs.shape), expected)
        scaled = self.normalizer_.scale(inputs)
        with torch.no_grad(), limit_threads(scaled.device, self.hidden_size):
            forecast = self.normalizer_.unscale(inputs, self._mean(scaled)).numpy()
        return forecast[:, 0] if self.one_step_ else forecast

    def _configs(self) -> tuple[RecurrentConfig, TrainingConfig]:
        """Return the validated settings, with NumPy scalars as Python numbers."""
        settings = self.get_params()
        for name, value in settings.items():
            settings[name] = value.item() if isinstance(value, np.generic) else value
        return (
            RecurrentConfig(
                cell=self.cell,
                train_skip=True,
                **_settings_for(RecurrentConfig, settings),
            ),
            TrainingConfig(**_settings_for(TrainingConfig, settings)),
        )

    def _train_members(
        self,
        earlier: RowBatches,
        later: RowBatches,
        model: RecurrentConfig,
        training: TrainingConfig,
    ) -> None:
        linear = None
        if model.linear_skip:
            steps = 1 if model.strategy == "recursive" else earlier.targets.shape[1]
            linear = fit_linear(earlier, later, steps=steps, tolerance=0)
        seeds = check_random_state(self.random_state).randint(2**31, size=model.members)
        device = pick_device(training.device)
        networks, self.history_ = train_networks(
            partial(
                RecurrentNetwork,
                model,
                seq_len=earlier.inputs.shape[1],
                horizon=earlier.targets.shape[1],
                input_size=earlier.inputs.shape[2],
                level="last" if self.normalization == "last" else "none",
            ),
            [linear] * model.members,
            seeds.tolist(),
            earlier.to(device),
            later.to(device),
            training,
        )
        self.networks_ = [network.cpu().double() for network in networks]
        if linear and len(later):
            self._shrink(linear, later)

    @torch.no_grad()
    def _shrink(self, linear: LinearPart, later: RowBatches) -> None:
        """Shrink the networks towards the linear forecast, judged on the later rows."""
        start = deepcopy(self.networks_[0])
        shrink(start, linear, 0.0)
        forecasts = start(later.inputs), self._mean(later.inputs)
        share = network_share(*forecasts, later.targets)
        for network in self.networks_:
            shrink(network, linear, share)

    def _mean(self, inputs: Tensor) -> Tensor:
        """Return the members' mean forecast of normalised inputs, block by block."""
        blocks = [
            torch.stack([network(block) for network in self.networks_]).mean(0)
            for block in torch.split(inputs, EVALUATION_BATCH)
        ]
        return torch.cat(blocks)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        return tags


def _settings_for(config: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are fields of a configuration."""
    return {f.name: settings[f.name] for f in fields(config) if f.name in settings}


def _as_windows(values: FloatArray) -> Tensor:
    """Return ``(rows, seq_len, features)``, float64 (a copy)."""
    if values.ndim not in (2, 3):
        raise ShapeError("X", values.shape, ("rows", "seq_len", "features"))
    return torch.tensor(values if values.ndim == 3 else values[..., None])
