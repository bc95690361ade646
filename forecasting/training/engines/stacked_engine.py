"""Several members trained as one batched network: small networks on a GPU.

A step of a small network costs a GPU by the number of kernel launches, not by the
arithmetic. The weights of members of one shape are stacked, so that one batched matrix
product serves all of them. Each member gets the weights of a training on its own.

Letters in comments: M models, B batch, L steps, F features, D state size, H horizon.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.torch_engine import TorchEngine

State = tuple[Tensor, Tensor | None]  # h and, of the LSTM, c: (M, B, D) each


class StackedNetworks:
    """Networks of one shape with weights stacked along a first axis, models.

    Args:
        networks: plain ones, see `forecasting.training.engines.capabilities`, of one
            shape and on one device; they are not changed.

    Attributes:
        weights: by parameter name, ``(models, ...)``.
    """

    def __init__(self, networks: Sequence[RecurrentNetwork]) -> None:
        first = networks[0]
        self.config, self.has_skip = first.config, first.skip is not None
        parameters = [dict(network.named_parameters()) for network in networks]
        self.weights = {
            name: torch.stack(
                [by_name[name].detach() for by_name in parameters]
            ).requires_grad_(weight.requires_grad)
            for name, weight in first.named_parameters()
        }

    @property
    def trained(self) -> list[Tensor]:
        """The trainable weights."""
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
            outputs = self._run_layer(f"encoder.layers.{depth}.forward_cell.", steps)
            if depth + 1 < self.config.num_layers:
                steps = torch.stack(outputs, 2)  # (M, B, L, D)
        forecast = self._linear("head.", outputs[-1])
        if self.has_skip:
            forecast = forecast + self._linear("skip.", inputs.flatten(2))
        return forecast

    @torch.no_grad()
    def write(self, networks: Sequence[RecurrentNetwork]) -> None:
        """Copy the stacked weights back into the networks."""
        for name, stacked in self.weights.items():
            for network, weight in zip(networks, stacked, strict=True):
                network.get_parameter(name).copy_(weight)

    def _linear(
        self, layer: str, inputs: Tensor, weight: str = "weight", bias: str = "bias"
    ) -> Tensor:
        """Apply a linear layer to ``(models, rows, numbers)``."""
        matrix, offset = self.weights[layer + weight], self.weights[layer + bias]
        return torch.baddbmm(offset[:, None], inputs, matrix.mT)

    def _run_layer(self, layer: str, steps: Tensor) -> list[Tensor]:
        """Run a layer over ``(models, batch, steps, numbers)``; return its outputs."""
        models, batch, length = steps.shape[:3]
        projected = self._linear(
            layer, steps.flatten(1, 2), "weight_ih_l0", "bias_ih_l0"
        )
        projected = projected.view(models, batch, length, -1)  # all steps at once
        size = self.config.hidden_size
        hidden = steps.new_zeros(models, batch, size)
        state: State = hidden, hidden if self.config.cell == "lstm" else None
        outputs = []
        for step_inputs in projected.unbind(2):
            recurrent = self._linear(layer, state[0], "weight_hh_l0", "bias_hh_l0")
            state = self._step(step_inputs, recurrent, state)
            outputs.append(state[0])
        return outputs

    def _step(self, projected: Tensor, recurrent: Tensor, state: State) -> State:
        """Return the next state from the projected input and the recurrent projection.

        The formulas are those of torch.nn.RNN, LSTM and GRU.
        """
        hidden, cell_state = state
        if cell_state is not None:
            i, f, g, o = (projected + recurrent).chunk(4, -1)
            cell_state = f.sigmoid() * cell_state + i.sigmoid() * g.tanh()
            return o.sigmoid() * cell_state.tanh(), cell_state
        if self.config.cell == "gru":
            reset, update, new = projected.chunk(3, -1)
            hidden_reset, hidden_update, hidden_new = recurrent.chunk(3, -1)
            update = (update + hidden_update).sigmoid()
            new = (new + (reset + hidden_reset).sigmoid() * hidden_new).tanh()
            return new + update * (hidden - new), None
        total = projected + recurrent
        tanh = self.config.nonlinearity == "tanh"
        return total.tanh() if tanh else total.relu(), None


class StackedEngine(TorchEngine):
    """Trains several plain networks of one shape as one stacked network.

    Args: as `TorchEngine`.
    """

    @cached_property
    def stack(self) -> StackedNetworks:
        """The networks as one."""
        return StackedNetworks(self.networks)

    @cached_property
    def trained(self) -> list[Tensor]:
        """Stacked weights that the optimizer updates."""
        return self.stack.trained

    @property
    def weights(self) -> list[Tensor]:
        """Stacked weights, ``(models, ...)``, that training updates in place."""
        return self.trained

    def training_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each model; their gradients are independent."""
        losses: Tensor = torch.vmap(self.loss_of)(self.stack(inputs), targets)
        return losses

    def validation_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each model on the same validation windows."""
        models = len(self.networks)
        return self.training_loss(
            inputs.expand(models, *inputs.shape), targets.expand(models, *targets.shape)
        )

    def clip(self, norm: float) -> None:
        """Clip the norm of each model's gradients."""
        clip_each(self.trained, norm)

    def finish(self) -> None:
        """Copy the stacked weights into the networks."""
        self.stack.write(self.networks)


@torch.no_grad()
def clip_each(weights: Sequence[Tensor], norm: float) -> None:
    """Clip the gradient norm of each model, for weights ``(models, ...)``.

    The formula is that of ``torch.nn.utils.clip_grad_norm_``.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    parts = [torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients]
    norms = torch.linalg.vector_norm(torch.stack(parts), dim=0)  # (M,)
    factor = (norm / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.view(-1, *[1] * (gradient.ndim - 1)))
