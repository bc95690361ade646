"""Recurrent networks that turn a window into a forecast of every step.

    direct      the last state, through a linear head, gives all steps at once
    recursive   the network gives one step, which is appended to the window; repeat
    seq2seq     the last state starts a decoder, which gives a step at a time

Whatever the strategy, each step of the forecast depends on each observation of the
window. Letters in comments: B batch, L seq_len, F features, H horizon, D state size.
"""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from forecasting.covariates.design import Design
from forecasting.covariates.layout import Layout, append_covariates
from forecasting.errors import SettingError, ShapeError
from forecasting.models.cells import State
from forecasting.models.config import RecurrentConfig
from forecasting.models.covariate_layers import (
    FeatureReader,
    FutureCovariateHead,
    init_zero,
)
from forecasting.models.encoder_decoder import Decoder, Encoder
from forecasting.models.linear_skip import LinearSkip
from forecasting.models.quantile_head import QuantileHead
from forecasting.scaling.methods import METHODS, Method

TaskLoss = Literal["cross_entropy"]  # of a network with classes instead of values


class RecurrentNetwork(nn.Module):
    """A recurrent network with a linear head: windows in, forecasts out.

    Args:
        config: settings of the network.
        seq_len: observations in a window.
        horizon: steps ahead.
        input_size: features of an observation; the first one is the target.
        level: method of levelling windows; ``recursive`` levels them again after each
            step, so that the network reads windows like those in training.
        layout: columns of windows with covariates, see
            `forecasting.covariates.layout`; their inputs are
            ``(batch, seq_len + horizon, layout.width)``.

    Raises:
        SettingError: the strategy feeds forecasts back, but the future of some features
            is unknown.

    >>> network = RecurrentNetwork(RecurrentConfig(cell="gru"), seq_len=5, horizon=2)
    >>> network(torch.zeros(3, 5, 1)).shape
    torch.Size([3, 2])
    """

    loss_name: ClassVar[TaskLoss | None] = None  # the one of the training settings

    def __init__(
        self,
        config: RecurrentConfig,
        *,
        seq_len: int,
        horizon: int,
        input_size: int = 1,
        level: Method = "none",
        layout: Layout | None = None,
    ) -> None:
        super().__init__()
        unknown = layout is not None and bool(layout.past or layout.past_codes)
        if config.strategy == "recursive" and (input_size > 1 or unknown):
            raise SettingError(
                "strategy", "recursive", "direct or seq2seq when there are covariates"
            )
        self.config, self.seq_len, self.horizon = config, seq_len, horizon
        self.input_size, self.level = layout.width if layout else input_size, level
        self.reader = FeatureReader(layout, seq_len) if layout else None
        window_size = self.reader.window_size if self.reader else input_size
        if seq_len % config.patch_len:
            expected = f"a divisor of seq_len {seq_len}"
            raise SettingError("patch_len", config.patch_len, expected)
        self.encoder = Encoder(config, window_size * config.patch_len)
        self.steps_out = horizon if config.strategy == "direct" else 1
        self.head = nn.Linear(self.encoder.output_size, self.steps_out)
        ahead = self.reader.ahead_size if self.reader else 0
        self.decoder = (
            Decoder(config, self.encoder, 1 + ahead)
            if config.strategy == "seq2seq"
            else None
        )
        self.ahead_head: FutureCovariateHead | None = None
        if ahead and self.decoder is None:
            self.ahead_head = FutureCovariateHead(self.encoder.output_size, ahead)
        self.skip: LinearSkip | None = None
        if config.linear_skip:
            reach = 1 if config.strategy == "recursive" else horizon
            design = Design(layout, seq_len, reach) if layout else None
            self.skip = LinearSkip(seq_len * input_size, reach, design)
            self.skip.requires_grad_(config.train_skip)
            init_zero(self.head)  # training starts at the linear forecast
            if self.ahead_head is not None:
                init_zero(self.ahead_head.output)
        self.spread: QuantileHead | None = None
        if config.quantiles:
            size = self.encoder.output_size
            self.spread = QuantileHead(size, horizon, config.quantiles)

    @property
    def reads_rows(self) -> bool:
        """Whether the encoder reads rows of numbers, all of one length, as they are."""
        return self.reader is None

    def set_skip(
        self, weights: Tensor, bias: Tensor, ahead: Tensor | None = None
    ) -> None:
        """Set the linear part, see `LinearSkip.set`."""
        assert self.skip is not None
        self.skip.set(weights, bias, ahead)

    def forward(
        self,
        inputs: Tensor,
        *,
        state: list[State] | None = None,
        lengths: Tensor | None = None,
        truth: Tensor | None = None,
        teacher_forcing: float = 0.0,
        truncate: int | None = None,
    ) -> Tensor:
        """Forecast every step, ``(batch, horizon)``, in the units of the inputs.

        Args:
            inputs: windows, normalised, ``(batch, seq_len, features)``.
            state: initial state of each layer; default zero.
            lengths: valid observations of each row, ``(batch,)``; the rest is padding
                after them. Default all.
            truth: in training, the targets, ``(batch, horizon)``.
            teacher_forcing: probability of feeding the truth back instead of the
                forecast, drawn for each row and step.
            truncate: number of observations after which the gradient is cut.

        Raises:
            ShapeError: the inputs do not have the shape of the network.
        """
        self._check_shape(inputs, lengths)
        if self.config.strategy == "recursive":
            return self._roll(inputs, state, lengths, truth, teacher_forcing, truncate)
        if self.decoder is not None:
            return self._decode(inputs, state, lengths, truth, teacher_forcing)
        return self._step(inputs, state, lengths, truncate)

    def forward_quantiles(
        self,
        inputs: Tensor,
        *,
        truth: Tensor | None = None,
        teacher_forcing: float = 0.0,
        truncate: int | None = None,
    ) -> Tensor:
        """Forecast the quantiles of every step, ``(batch, horizon, quantiles)``.

        The median is the result of `forward`, and is fed back; the other quantiles'
        distances from it come from the window's last state, for every strategy.
        """
        median: Tensor = self(
            inputs, truth=truth, teacher_forcing=teacher_forcing, truncate=truncate
        )
        return median[..., None] + self.forward_spread(inputs, truncate)

    def forward_spread(self, inputs: Tensor, truncate: int | None = None) -> Tensor:
        """Forecast the quantiles' distances from the median.

        ``(batch, horizon, quantiles)``, from the window's last state.
        """
        assert self.spread is not None
        spread: Tensor = self.spread(self._last(inputs, None, None, truncate))
        return spread

    def forward_trained(self, inputs: Tensor, **settings: Any) -> Tensor:
        """Return the forecast for the loss: quantiles if configured, else `forward`."""
        forward = self if self.spread is None else self.forward_quantiles
        forecast: Tensor = forward(inputs, **settings)
        return forecast

    def training_pair(
        self,
        inputs: Tensor,
        targets: Tensor,
        *,
        teacher_forcing: float = 0.0,
        truncate: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return forecasts and actual values, which the training loss compares.

        Those after each window, or after every observation with ``loss_at`` step.
        """
        if self.config.loss_at == "end":
            settings = {"teacher_forcing": teacher_forcing, "truncate": truncate}
            return self.forward_trained(inputs, truth=targets, **settings), targets
        steps = self.forward_steps(inputs)  # (B, L, steps)
        length = steps.shape[1]
        next_values = torch.cat([inputs[:, :length, 0], targets], 1)[:, 1:]
        return steps, next_values.unfold(1, self.steps_out, 1)[:, :length]

    def forward_steps(self, inputs: Tensor) -> Tensor:
        """Forecast from every observation on: ``(batch, seq_len, steps)``.

        The steps are the horizon for ``direct`` and 1 for ``recursive``. A loss at
        every step compares them with the values after each observation.
        """
        outputs, _ = self.encoder(self._window(inputs))
        forecasts: Tensor = self.head(outputs)
        if self.reader is not None and self.ahead_head is not None:
            rows = self.reader.ahead(inputs, first=1).unfold(1, self.steps_out, 1)
            ahead = rows[:, : self.seq_len].transpose(2, 3)  # (B, L, steps, F)
            forecasts = forecasts + self.ahead_head(outputs, ahead)
        return forecasts

    def _window(self, inputs: Tensor) -> Tensor:
        """Return the encoder's inputs: a patch of features for each step."""
        rows = inputs if self.reader is None else self.reader.window(inputs)
        if self.config.patch_len == 1:
            return rows
        return rows.reshape(len(rows), -1, self.config.patch_len * rows.shape[2])

    def _step(
        self,
        inputs: Tensor,
        state: list[State] | None,
        lengths: Tensor | None,
        truncate: int | None = None,
    ) -> Tensor:
        """Apply encoder, head and linear skip once: ``(B, steps_out)``."""
        last = self._last(inputs, state, lengths, truncate)
        forecast: Tensor = self.head(last)
        if self.reader is not None and self.ahead_head is not None:
            forecast = forecast + self.ahead_head(last, self.reader.ahead(inputs))
        if self.skip is not None:
            forecast = forecast + self.skip(inputs)
        return forecast

    def _last(
        self,
        inputs: Tensor,
        state: list[State] | None,
        lengths: Tensor | None,
        truncate: int | None,
    ) -> Tensor:
        """Return the encoder's state at the end of each window, ``(B, D)``."""
        window = self._window(inputs)
        if truncate is not None and truncate < window.shape[1]:
            return self.encoder.read_truncated(window, truncate, state)
        _, final = self.encoder(window, state, lengths)
        return self.encoder.read(final)

    def _roll(
        self,
        inputs: Tensor,
        state: list[State] | None,
        lengths: Tensor | None,
        truth: Tensor | None,
        teacher_forcing: float,
        truncate: int | None,
    ) -> Tensor:
        """Forecast step by step, appending each forecast to the window."""
        values = inputs[..., 0] if self.reader is None else inputs[:, : self.seq_len, 0]
        steps: list[Tensor] = []
        for t in range(self.horizon):
            level, _ = METHODS[self.level].level(values)  # (B, 1)
            window = (values - level)[..., None]
            if self.reader is not None:
                rows = inputs[:, t : t + self.seq_len + 1, 1:]
                window = append_covariates(window, rows)
            step = self._step(window, state, lengths, truncate)
            steps.append(step + level)
            value = _next_input(steps[-1], truth, t, teacher_forcing)
            values = torch.cat([values[:, 1:], value], 1)
            if lengths is not None:  # insert the forecast before the padding
                values = values.scatter(1, lengths[:, None] - 1, value)
        return torch.cat(steps, 1)

    def _decode(
        self,
        inputs: Tensor,
        state: list[State] | None,
        lengths: Tensor | None,
        truth: Tensor | None,
        teacher_forcing: float,
    ) -> Tensor:
        """Start the decoder with the encoder's state and the last observation."""
        assert self.decoder is not None
        window = self._window(inputs)
        _, final = self.encoder(window, state, lengths)
        carried = [
            layer.merge_state(last)
            for layer, last in zip(self.encoder.recurrent_layers, final, strict=True)
        ]
        linear = None if self.skip is None else self.skip(inputs)  # (B, H)
        ahead = None if self.reader is None else self.reader.ahead(inputs)  # (B, H, F)
        rows = torch.arange(len(inputs), device=inputs.device)
        ends = window.shape[1] - 1 if lengths is None else lengths - 1
        value = inputs[rows, ends, :1]  # (B, 1)
        steps: list[Tensor] = []
        for t in range(self.horizon):
            step_in = value if ahead is None else torch.cat([value, ahead[:, t]], 1)
            output, carried = self.decoder(step_in, carried)
            step = self.head(output)
            steps.append(step if linear is None else step + linear[:, t : t + 1])
            value = _next_input(steps[-1], truth, t, teacher_forcing)
        return torch.cat(steps, 1)

    def _check_shape(self, inputs: Tensor, lengths: Tensor | None) -> None:
        rows = self.seq_len + (self.horizon if self.reader is not None else 0)
        # Without linear part or covariates, any seq_len is valid.
        any_length = lengths is not None or (self.skip is None and self.reader is None)
        expected = ("batch", "any" if any_length else rows, self.input_size)
        fits = inputs.ndim == 3 and inputs.shape[2] == self.input_size
        if not fits or not (any_length or inputs.shape[1] == rows):
            raise ShapeError("inputs", tuple(inputs.shape), expected)
        if lengths is not None and self.skip is not None:
            raise SettingError(
                "linear_skip", True, "false for windows of varying length"
            )


def _next_input(
    forecast: Tensor, truth: Tensor | None, step: int, teacher_forcing: float
) -> Tensor:
    """Return the next step's input: the forecast, or the truth by teacher forcing."""
    if truth is None or teacher_forcing == 0:
        return forecast
    forced = torch.rand_like(forecast) < teacher_forcing
    return torch.where(forced, truth[:, step : step + 1], forecast)
