"""Several members trained as one batched network: small networks on a GPU.

A step of a small network costs a GPU by the number of kernel launches, not by the
arithmetic. The weights of members of one shape are stacked, so that one batched matrix
product serves all of them. Each member gets the weights of a training on its own.

Letters in comments: M models, B batch, L steps, F features, D state size, H horizon.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import (
    EVALUATION_BATCH,
    MAX_GATHERED_VALUES,
    Batch,
    BatchSource,
)
from forecasting.devices import SMALL_HIDDEN
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.capabilities import missing_for_loops
from forecasting.training.engines.cuda_graph import (
    Gradient,
    Record,
    ReplayedGradient,
    recorder_for,
)
from forecasting.training.engines.distributed import num_processes
from forecasting.training.engines.torch_engine import loss_of, make_optimizer, set_rates
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.early_stopping import EarlyStopping, EpochRecord
from forecasting.training.recipe.schedule import num_epochs, step_rates
from forecasting.types import FloatArray

State = tuple[Tensor, Tensor | None]  # h and, of the LSTM, c: (M, B, D) each


class StackedNetworks:
    """Networks of one shape with weights stacked along a first axis, models.

    They meet the requirements in `forecasting.training.engines.capabilities`.

    Args:
        networks: of one shape, on one device; they are not changed.

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

    def __len__(self) -> int:
        return len(self.weights["head.bias"])

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


MIN_MEMBERS = 4  # with fewer members, cuDNN needs fewer launches


class UntrainedMember(Protocol):
    """A network before training; see `forecasting.training.members.Member`."""

    @property
    def network(self) -> RecurrentNetwork:
        """The network, on the device of the windows."""

    def generator(self, device: torch.device) -> torch.Generator:
        """Return the random generator that draws the windows."""


def can_train_stacked(
    networks: Sequence[RecurrentNetwork], config: TrainingConfig
) -> bool:
    """Return whether to train the networks as one stacked network."""
    first = networks[0]
    return (
        len(networks) >= MIN_MEMBERS
        and num_processes() == 1
        and next(first.parameters()).device.type == "cuda"
        and config.engine == "auto"
        and config.precision != "bfloat16"
        and first.config.hidden_size < SMALL_HIDDEN
        and not missing_for_loops(first, config)
    )


def train_stacked(
    members: Sequence[UntrainedMember],
    batches: BatchSource,
    validation: BatchSource,
    config: TrainingConfig,
    *,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> list[EpochRecord]:
    """Train networks of one shape in place, stacked.

    A member that stops early keeps its best weights while the others go on. A record's
    seconds are those of the joint epoch.

    Args, Returns, Raises: as `forecasting.training.members.train_members`.
    """
    epochs, steps = num_epochs(len(batches), config)
    num_batches = None if config.steps is None else steps
    networks = [member.network for member in members]
    record = recorder_for(networks[0], config, epochs * steps)
    engine = StackedEngine(
        networks, config, *step_rates(epochs * steps, config), record
    )
    generators = [member.generator(batches.device) for member in members]
    trackers = [
        EarlyStopping(config, epochs, len(validation) > 0, number, on_epoch)
        for number in range(len(members))
    ]
    train_losses = [math.nan] * len(members)
    for epoch in range(epochs + 1):
        started = time.perf_counter()
        if epoch:
            orders = [
                batches.order(config.batch_size, num_batches, generator)
                for generator in generators
            ]
            train_losses = engine.train_epoch(batches, torch.stack(orders))
        losses = zip(train_losses, engine.loss(validation), strict=True)
        is_better = [
            not tracker.is_over and tracker.add(*pair, started)
            for tracker, pair in zip(trackers, losses, strict=True)
        ]
        engine.save_best(is_better)
        if all(tracker.is_over for tracker in trackers):
            break
    engine.finish(networks, best=len(validation) > 0)
    return [record for tracker in trackers for record in tracker.records]


class StackedEngine:
    """Trains several networks as one stacked network and tracks their best weights.

    Args:
        networks: of one shape, on the device of the windows.
        config: training settings.
        rates, betas: learning rate, and Adam's first beta, of every step.
        record: records gradients to be replayed; see
            `forecasting.training.engines.cuda_graph`.
    """

    def __init__(
        self,
        networks: Sequence[RecurrentNetwork],
        config: TrainingConfig,
        rates: FloatArray,
        betas: FloatArray,
        record: Record | None = None,
    ) -> None:
        self.stack, self.config = StackedNetworks(networks), config
        self.rates, self.betas, self.num_steps = rates, betas, 0
        # Losses (M,) of forecasts and targets, (M, B, H) each.
        self.losses_of = torch.vmap(loss_of(networks[0], config))
        self.optimizer = make_optimizer(self.stack.trained, config)
        self.compute_gradient: Gradient = self.gradient
        if record is not None:
            self.compute_gradient = ReplayedGradient(
                self.gradient, self.stack.trained, record
            )
        self.best = [weight.detach().clone() for weight in self.stack.trained]

    def train_epoch(self, batches: BatchSource, orders: Tensor) -> list[float]:
        """Make an optimizer step of all networks per batch; return the mean losses.

        Args:
            batches: windows.
            orders: indices of windows, ``(models, windows)``.
        """
        size, count = self.config.batch_size, orders.shape[1]
        total = torch.zeros(len(self.stack), device=batches.device)
        for inputs, targets in _gather_batches(batches, orders, size):
            pairs = zip(inputs.split(size, 1), targets.split(size, 1), strict=True)
            for batch_inputs, batch_targets in pairs:
                losses = self.compute_gradient(batch_inputs, batch_targets)
                set_rates(
                    self.optimizer,
                    self.rates[self.num_steps],
                    self.betas[self.num_steps],
                )
                self.optimizer.step()
                self.num_steps += 1
                total += losses * batch_inputs.shape[1]
        return _to_floats(total / max(count, 1))

    def gradient(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the gradients of one batch per model; return the losses ``(models,)``."""
        self.optimizer.zero_grad(set_to_none=True)
        losses: Tensor = self.losses_of(self.stack(inputs), targets)
        torch.autograd.backward(losses.sum())  # the models are independent
        if self.config.clip_norm is not None:
            clip_each(self.stack.trained, self.config.clip_norm)
        return losses.detach()

    @torch.no_grad()
    def loss(self, validation: BatchSource) -> list[float]:
        """Return the mean loss of each model; NaN without windows."""
        if not len(validation):
            return [math.nan] * len(self.stack)
        models = len(self.stack)
        total = torch.zeros(models, device=validation.device)
        at_once = max(1, EVALUATION_BATCH // models)
        for block in validation.in_order():
            parts = (part.split(at_once) for part in block)
            for inputs, targets in zip(*parts, strict=True):
                all_targets = targets.expand(models, *targets.shape)
                forecast = self.stack(inputs.expand(models, *inputs.shape))
                total += self.losses_of(forecast, all_targets) * len(inputs)
        return _to_floats(total / len(validation))

    @torch.no_grad()
    def save_best(self, is_better: Sequence[bool]) -> None:
        """Save the current weights of the models marked in ``is_better``."""
        if not any(is_better):
            return
        chosen = torch.tensor(is_better, device=self.best[0].device)
        for best, weight in zip(self.best, self.stack.trained, strict=True):
            best.copy_(torch.where(_broadcast_to(chosen, weight), weight, best))

    @torch.no_grad()
    def finish(self, networks: Sequence[RecurrentNetwork], *, best: bool) -> None:
        """Write the best or the current weights into the networks."""
        if best:
            for weight, best_weight in zip(self.stack.trained, self.best, strict=True):
                weight.copy_(best_weight)
        self.stack.write(networks)


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
        gradient.mul_(_broadcast_to(factor, gradient))


def _gather_batches(
    batches: BatchSource, orders: Tensor, batch_size: int
) -> Iterator[Batch]:
    """Yield blocks of whole batches ``(models, windows, ...)`` of bounded size."""
    models = len(orders)
    num_batches = max(1, MAX_GATHERED_VALUES // (models * batch_size * batches.numbers))
    for part in orders.split(num_batches * batch_size, 1):
        inputs, targets = batches.take(part.flatten())
        yield inputs.unflatten(0, part.shape), targets.unflatten(0, part.shape)


def _broadcast_to(numbers: Tensor, weight: Tensor) -> Tensor:
    """Reshape one number per model for broadcasting with a stacked weight."""
    return numbers.view(-1, *[1] * (weight.ndim - 1))


def _to_floats(losses: Tensor) -> list[float]:
    return [float(loss) for loss in losses.cpu()]
