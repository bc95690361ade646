"""RNN, LSTM and GRU as scikit-learn regressors of windows.

RNNRegressor     the Elman network, tanh or relu
LSTMRegressor    long short-term memory
GRURegressor     gated recurrent units
"""

from typing import Literal

import numpy as np

from forecasting.devices import Device
from forecasting.models.cells import Merge
from forecasting.models.config import Strategy
from forecasting.regressors.base import WindowRegressor
from forecasting.regressors.rows import RowMethod
from forecasting.training.recipe.losses import LossName


class RNNRegressor(WindowRegressor):
    """Forecasts windows with Elman's recurrent network.

    Args:
        nonlinearity: ``tanh`` or ``relu``.

    The other arguments are those of `WindowRegressor`.
    """

    cell = "rnn"

    def __init__(
        self,
        *,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
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
        super().__init__(
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            merge=merge,
            dropout=dropout,
            strategy=strategy,
            linear_skip=linear_skip,
            normalization=normalization,
            members=members,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            loss=loss,
            clip_norm=clip_norm,
            patience=patience,
            validation=validation,
            device=device,
            random_state=random_state,
        )
        self.nonlinearity = nonlinearity


class LSTMRegressor(WindowRegressor):
    """Forecasts windows with long short-term memory; see `WindowRegressor`.

    >>> import numpy as np
    >>> wave = np.sin(0.3 * np.arange(120))
    >>> windows = np.lib.stride_tricks.sliding_window_view(wave, 7)
    >>> regressor = LSTMRegressor(epochs=2, members=1, random_state=0)
    >>> regressor.fit(windows[:, :5], windows[:, 5:]).predict(windows[:3, :5]).shape
    (3, 2)
    """

    cell = "lstm"


class GRURegressor(WindowRegressor):
    """Forecasts windows with gated recurrent units; see `WindowRegressor`."""

    cell = "gru"
