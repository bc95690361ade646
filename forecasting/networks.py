"""Recurrent networks that turn a window into a forecast of every step.

    direct      the last state, through a linear head, gives all steps at once
    recursive   the network gives one step; its forecast joins the window, and again
    seq2seq     the last state starts a decoder, which gives a step at a time

Whatever the strategy, each step of the forecast depends on each observation of the
window. Letters in comments: B batch, L seq_len, F features, H horizon, D state size.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from forecasting.cells import CELLS, MERGES, Cell, Merge, RecurrentLayer, State
from forecasting.errors import SettingError, ShapeError
from forecasting.normalization import METHODS, Method, window_level

Strategy = Literal["direct", "recursive", "seq2seq"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
LossAt = Literal["end", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrentConfig:
    """What a recurrent forecaster is made of.

    Attributes:
        cell: ``rnn``, ``lstm``, ``gru``, or ``mlp`` (a feed-forward transition).
        nonlinearity: of the ``rnn``: ``tanh`` or ``relu``.
        hidden_size: size of each direction's state.
        num_layers: recurrent layers on top of each other.
        bidirectional: read the window in both directions.
        merge: how two directions become one: ``concat``, ``sum`` or ``mul``.
        dropout: share of a layer's outputs dropped before the next layer.
        strategy: of multi-step forecasts: ``direct``, ``recursive`` or ``seq2seq``.
        loss_at: ``end`` of the window, or every ``step`` of it.
        linear_skip: add the network to a ridge regression on the same window.
        normalization: see `forecasting.normalization`; ``auto`` lets validation choose.
        members: networks trained from different seeds; the forecast is their median.

    Raises:
        SettingError: a value is out of range, or two do not go together.
    """

    cell: Cell = "lstm"
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    hidden_size: int = 32
    num_layers: int = 1
    bidirectional: bool = False
    merge: Merge = "concat"
    dropout: float = 0.0
    strategy: Strategy = "direct"
    loss_at: LossAt = "end"
    linear_skip: bool = True
    normalization: Method | Literal["auto"] = "auto"
    members: int = 1

    def __post_init__(self) -> None:
        _check_choice("cell", self.cell, CELLS)
        _check_choice("nonlinearity", self.nonlinearity, ("tanh", "relu"))
        _check_choice("merge", self.merge, MERGES)
        _check_choice("strategy", self.strategy, STRATEGIES)
        _check_choice("loss_at", self.loss_at, get_args(LossAt))
        _check_choice("normalization", self.normalization, (*METHODS, "auto"))
        for name, most in (("hidden_size", 8192), ("num_layers", 32), ("members", 100)):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= most:
                raise SettingError(name, value, f"a whole number from 1 to {most}")
        if not 0 <= self.dropout < 1:
            raise SettingError("dropout", self.dropout, "a share from 0 to below 1")
        if self.loss_at == "step":
            self._check_step_loss()

    def _check_step_loss(self) -> None:
        for name, clash in (
            ("linear_skip", self.linear_skip),
            ("bidirectional", self.bidirectional),
        ):
            if clash:
                raise SettingError(
                    name, True, "false with loss_at 'step', which forecasts mid-window"
                )
        if self.strategy == "seq2seq":
            raise SettingError(
                "loss_at",
                "step",
                "'end' with strategy 'seq2seq', which decodes every step",
            )


def _check_choice(setting: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingError(setting, value, f"one of {', '.join(choices)}")


class Encoder(nn.Module):
    """Recurrent layers on top of each other, dropout between them."""

    def __init__(self, config: RecurrentConfig, input_size: int) -> None:
        super().__init__()
        layers = []
        for _ in range(config.num_layers):
            layer = RecurrentLayer(
                config.cell,
                input_size,
                config.hidden_size,
                nonlinearity=config.nonlinearity,
                bidirectional=config.bidirectional,
                merge=config.merge,
            )
            layers.append(layer)
            input_size = layer.output_size
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(config.dropout)
        self.output_size = input_size

    def forward(
        self,
        inputs: Tensor,
        state: list[State] | None = None,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, list[State]]:
        """Read a window.

        Args:
            inputs: ``(batch, seq_len, features)``.
            state: initial state of each layer, ``(directions, batch, hidden)``, a pair
                of them for the LSTM; zero when not given.
            lengths: observations of each row that count, ``(batch,)``; default all.

        Returns:
            The top layer's outputs ``(batch, seq_len, output_size)`` and the final
            state of each layer.
        """
        final = []
        for depth, layer in enumerate(self.layers):
            if depth:
                inputs = self.dropout(inputs)
            inputs, last = layer(
                inputs, None if state is None else state[depth], lengths
            )
            final.append(last)
        return inputs, final

    def read(self, state: list[State]) -> Tensor:
        """Return the top layer's last state, merged, ``(batch, output_size)``."""
        return self.recurrent_layers[-1].read(state[-1])

    @property
    def recurrent_layers(self) -> list[RecurrentLayer]:
        """The layers, bottom first."""
        return [layer for layer in self.layers if isinstance(layer, RecurrentLayer)]

    def read_truncated(
        self, inputs: Tensor, steps: int, state: list[State] | None = None
    ) -> Tensor:
        """Read a window whose gradient reaches back ``steps`` observations at most.

        Truncated back-propagation through time: the state is carried from chunk to
        chunk, the graph is cut between them (Williams and Peng 1990).
        """
        for chunk in inputs.split(steps, 1):
            _, state = self(chunk, _detached(state))
        assert state is not None
        return self.read(state)


def _detached(state: list[State] | None) -> list[State] | None:
    if state is None:
        return None
    return [
        (s[0].detach(), s[1].detach()) if isinstance(s, tuple) else s.detach()
        for s in state
    ]


class Decoder(nn.Module):
    """Gives a forecast a step at a time, from the encoder's final state."""

    def __init__(self, config: RecurrentConfig, encoder: Encoder) -> None:
        super().__init__()
        sizes = [1] + [encoder.output_size] * (config.num_layers - 1)
        self.layers = nn.ModuleList(
            RecurrentLayer(
                config.cell, size, encoder.output_size, nonlinearity=config.nonlinearity
            )
            for size in sizes
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, step: Tensor, state: list[State]) -> tuple[Tensor, list[State]]:
        """Advance one step.

        Args:
            step: the value before it, ``(batch, 1)``.
            state: of each layer, ``(1, batch, hidden)``.

        Returns:
            The top layer's output ``(batch, hidden)`` and the new state.
        """
        outputs, following = step[:, None], []
        for depth, layer in enumerate(self.layers):
            if depth:
                outputs = self.dropout(outputs)
            outputs, last = layer(outputs, state[depth])
            following.append(last)
        return outputs[:, 0], following


class RecurrentNetwork(nn.Module):
    """A recurrent network with a linear head: windows in, forecasts out.

    Args:
        config: what it is made of.
        seq_len: observations in a window.
        horizon: steps ahead.
        input_size: features of an observation; the first one is the target.
        level: how windows were levelled; ``recursive`` levels them again after each
            step, so that the network sees the windows it was fitted to.

    Raises:
        SettingError: the strategy feeds forecasts back, but there are features whose
            future is not known.

    >>> network = RecurrentNetwork(RecurrentConfig(cell="gru"), seq_len=5, horizon=2)
    >>> network(torch.zeros(3, 5, 1)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        config: RecurrentConfig,
        *,
        seq_len: int,
        horizon: int,
        input_size: int = 1,
        level: Method = "none",
    ) -> None:
        super().__init__()
        if config.strategy == "recursive" and input_size > 1:
            raise SettingError(
                "strategy", "recursive", "direct or seq2seq when there are covariates"
            )
        self.config, self.seq_len, self.horizon = config, seq_len, horizon
        self.input_size, self.level = input_size, level
        self.encoder = Encoder(config, input_size)
        self.steps_out = horizon if config.strategy == "direct" else 1
        self.head = nn.Linear(self.encoder.output_size, self.steps_out)
        self.decoder = (
            Decoder(config, self.encoder) if config.strategy == "seq2seq" else None
        )
        self.skip: nn.Linear | None = None
        if config.linear_skip:
            reach = 1 if config.strategy == "recursive" else horizon
            self.skip = nn.Linear(seq_len * input_size, reach).requires_grad_(False)
            nn.init.zeros_(self.head.weight)  # training starts at the linear forecast
            nn.init.zeros_(self.head.bias)

    def set_skip(self, weights: Tensor, bias: Tensor) -> None:
        """Set the linear part: ``(seq_len * features, steps)`` and ``(steps,)``."""
        assert self.skip is not None
        with torch.no_grad():
            self.skip.weight.copy_(weights.T)
            self.skip.bias.copy_(bias)

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
            state: initial state of each layer; zero when not given.
            lengths: observations of each row that count, ``(batch,)``; the rest is
                padding behind them. Default all.
            truth: in training, what comes next, ``(batch, horizon)``.
            teacher_forcing: probability that a strategy that feeds forecasts back is
                fed the truth instead, drawn for each row and step.
            truncate: cut the gradient after so many observations.

        Raises:
            ShapeError: the inputs have another shape than the network was made for.
        """
        self._check_shape(inputs, lengths)
        if self.config.strategy == "recursive":
            return self._roll(inputs, state, lengths, truth, teacher_forcing, truncate)
        if self.decoder is not None:
            return self._decode(inputs, state, lengths, truth, teacher_forcing)
        return self._step(inputs, state, lengths, truncate)

    def forward_steps(self, inputs: Tensor) -> Tensor:
        """Forecast from every observation on: ``(batch, seq_len, steps)``.

        The steps are the horizon for ``direct`` and 1 for ``recursive``. This is what
        a loss at every step compares with what followed each observation.
        """
        outputs, _ = self.encoder(inputs)
        forecasts: Tensor = self.head(outputs)
        return forecasts

    def _step(
        self,
        inputs: Tensor,
        state: list[State] | None,
        lengths: Tensor | None,
        truncate: int | None = None,
    ) -> Tensor:
        """Apply encoder, head and linear skip once: ``(B, steps_out)``."""
        if truncate is not None and truncate < inputs.shape[1]:
            last = self.encoder.read_truncated(inputs, truncate, state)
        else:
            last = self.encoder.read(self.encoder(inputs, state, lengths)[1])
        forecast: Tensor = self.head(last)
        if self.skip is not None:
            forecast = forecast + self.skip(inputs.flatten(1))
        return forecast

    def _roll(
        self,
        inputs: Tensor,
        state: list[State] | None,
        lengths: Tensor | None,
        truth: Tensor | None,
        teacher_forcing: float,
        truncate: int | None,
    ) -> Tensor:
        """Forecast one step, move the window by it, and again."""
        steps: list[Tensor] = []
        for t in range(self.horizon):
            level, _ = window_level(inputs[..., 0], self.level)  # (B, 1)
            step = self._step(inputs - level[..., None], state, lengths, truncate)
            steps.append(step + level)
            fed = _fed_back(steps[-1], truth, t, teacher_forcing)
            inputs = torch.cat([inputs[:, 1:], fed[:, None]], 1)
            if lengths is not None:  # the forecast goes before the padding
                ends = lengths[:, None, None] - 1
                inputs = inputs.scatter(1, ends, fed[:, None])
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
        _, final = self.encoder(inputs, state, lengths)
        carried = [
            layer.merge_state(last)
            for layer, last in zip(self.encoder.recurrent_layers, final, strict=True)
        ]
        linear = None if self.skip is None else self.skip(inputs.flatten(1))  # (B, H)
        rows = torch.arange(len(inputs), device=inputs.device)
        ends = inputs.shape[1] - 1 if lengths is None else lengths - 1
        fed = inputs[rows, ends, :1]  # (B, 1)
        steps: list[Tensor] = []
        for t in range(self.horizon):
            output, carried = self.decoder(fed, carried)
            step = self.head(output)
            steps.append(step if linear is None else step + linear[:, t : t + 1])
            fed = _fed_back(steps[-1], truth, t, teacher_forcing)
        return torch.cat(steps, 1)

    def _check_shape(self, inputs: Tensor, lengths: Tensor | None) -> None:
        free = lengths is not None or self.skip is None  # any seq_len will do
        wanted = ("batch", "any" if free else self.seq_len, self.input_size)
        fits = inputs.ndim == 3 and inputs.shape[2] == self.input_size
        if not fits or not (free or inputs.shape[1] == self.seq_len):
            raise ShapeError("inputs", tuple(inputs.shape), wanted)
        if lengths is not None and self.skip is not None:
            raise SettingError(
                "linear_skip", True, "false for windows of varying length"
            )


def _fed_back(
    forecast: Tensor, truth: Tensor | None, step: int, teacher_forcing: float
) -> Tensor:
    """Return what the next step is fed: the forecast, or now and then the truth."""
    if truth is None or teacher_forcing == 0:
        return forecast
    forced = torch.rand_like(forecast) < teacher_forcing
    return torch.where(forced, truth[:, step : step + 1], forecast)
