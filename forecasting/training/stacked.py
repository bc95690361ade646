"""Networks of one shape side by side: one product of matrices for all of them.

Letters in comments: M models, B batch, L steps, F features, D state size, H horizon.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from forecasting.networks import RecurrentNetwork

State = tuple[Tensor, Tensor | None]  # h and, of the LSTM, c: (M, B, D) each


class Stack:
    """Plain networks (see `forecasting.training.plain`), each weight of theirs stacked.

    Args:
        networks: of one shape, on one device. They are read, not changed.

    Attributes:
        weights: by the name that one network has for them, ``(models, ...)``.
    """

    def __init__(self, networks: Sequence[RecurrentNetwork]) -> None:
        first = networks[0]
        self.config, self.has_skip = first.config, first.skip is not None
        each = [dict(network.named_parameters()) for network in networks]
        self.weights = {
            name: torch.stack([own[name].detach() for own in each]).requires_grad_(
                weight.requires_grad
            )
            for name, weight in first.named_parameters()
        }

    def __len__(self) -> int:
        return len(self.weights["head.bias"])

    @property
    def trained(self) -> list[Tensor]:
        """The weights that training moves."""
        return [weight for weight in self.weights.values() if weight.requires_grad]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Forecast every step, ``(models, batch, horizon)``.

        Args:
            inputs: windows of each model, ``(models, batch, seq_len, features)``.
        """
        models, batch = inputs.shape[:2]
        steps = inputs.reshape(
            models, batch, -1, self.config.patch_len * inputs.shape[3]
        )
        for depth in range(self.config.num_layers):
            outputs = self._run(f"encoder.layers.{depth}.forward_cell.", steps)
            if depth + 1 < self.config.num_layers:
                steps = torch.stack(outputs, 2)  # (M, B, L, D)
        forecast = self._linear("head.", outputs[-1])
        if self.has_skip:
            forecast = forecast + self._linear("skip.", inputs.flatten(2))
        return forecast

    @torch.no_grad()
    def write(self, networks: Sequence[RecurrentNetwork]) -> None:
        """Give networks their weights back."""
        for name, weight in self.weights.items():
            for network, own in zip(networks, weight, strict=True):
                network.get_parameter(name).copy_(own)

    def _linear(
        self, layer: str, inputs: Tensor, weight: str = "weight", bias: str = "bias"
    ) -> Tensor:
        """Apply a linear layer to ``(models, rows, numbers)``."""
        by, plus = self.weights[layer + weight], self.weights[layer + bias]
        return torch.baddbmm(plus[:, None], inputs, by.mT)

    def _run(self, layer: str, steps: Tensor) -> list[Tensor]:
        """Run a layer over ``(models, batch, steps, numbers)``; return its outputs."""
        models, batch, length = steps.shape[:3]
        read = self._linear(layer, steps.flatten(1, 2), "weight_ih_l0", "bias_ih_l0")
        read = read.view(models, batch, length, -1)  # all steps' at once
        size = self.config.hidden_size
        hidden = steps.new_zeros(models, batch, size)
        state: State = hidden, hidden if self.config.cell == "lstm" else None
        outputs = []
        for own in read.unbind(2):
            recurrent = self._linear(layer, state[0], "weight_hh_l0", "bias_hh_l0")
            state = self._step(own, recurrent, state)
            outputs.append(state[0])
        return outputs

    def _step(self, read: Tensor, recurrent: Tensor, state: State) -> State:
        """Return the next state, from what input and state give to the gates.

        The formulas are those of torch.nn.RNN, LSTM and GRU.
        """
        hidden, carried = state
        if carried is not None:
            i, f, g, o = (read + recurrent).chunk(4, -1)
            carried = f.sigmoid() * carried + i.sigmoid() * g.tanh()
            return o.sigmoid() * carried.tanh(), carried
        if self.config.cell == "gru":
            reset, update, new = read.chunk(3, -1)
            own_reset, own_update, own_new = recurrent.chunk(3, -1)
            update = (update + own_update).sigmoid()
            new = (new + (reset + own_reset).sigmoid() * own_new).tanh()
            return new + update * (hidden - new), None
        total = read + recurrent
        tanh = self.config.nonlinearity == "tanh"
        return total.tanh() if tanh else total.relu(), None
