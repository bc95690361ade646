"""Encoder of windows, and decoder of forecasts, as stacked recurrent layers.

Letters in comments: B batch, L seq_len, F features, D state size.
"""

from torch import Tensor, nn

from forecasting.models.cells import RecurrentLayer, State
from forecasting.models.config import RecurrentConfig


class Encoder(nn.Module):
    """Stacked recurrent layers with dropout between them."""

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
        """Encode a window.

        Args:
            inputs: ``(batch, seq_len, features)``.
            state: initial state of each layer, ``(directions, batch, hidden)``, a pair
                of them for the LSTM; default zero.
            lengths: valid observations of each row, ``(batch,)``; default all.

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
        """The recurrent layers, bottom first."""
        return [layer for layer in self.layers if isinstance(layer, RecurrentLayer)]

    def read_truncated(
        self, inputs: Tensor, steps: int, state: list[State] | None = None
    ) -> Tensor:
        """Encode a window; the gradient covers the last ``steps`` observations at most.

        Truncated back-propagation through time: the state is carried from chunk to
        chunk, the graph is cut between them (Williams and Peng 1990).
        """
        for chunk in inputs.split(steps, 1):
            _, state = self(chunk, detach_state(state))
        assert state is not None
        return self.read(state)


def detach_state(state: list[State] | None) -> list[State] | None:
    """Return the state of each layer, cut from the graph."""
    if state is None:
        return None
    return [
        (s[0].detach(), s[1].detach()) if isinstance(s, tuple) else s.detach()
        for s in state
    ]


class Decoder(nn.Module):
    """Recurrent decoder of a forecast, one step at a time."""

    def __init__(
        self, config: RecurrentConfig, encoder: Encoder, step_size: int = 1
    ) -> None:
        super().__init__()
        sizes = [step_size] + [encoder.output_size] * (config.num_layers - 1)
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
            step: the previous value, and the covariates of the step, ``(batch, size)``.
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
