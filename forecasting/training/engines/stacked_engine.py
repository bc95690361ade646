"""Members trained at once on a GPU: a small network leaves most of it idle.

A step costs a GPU by the call, not by the arithmetic, as long as networks are small;
here a call serves all members. Each one's weights are those that it would get alone.
"""

# MERGED """Networks of one shape side by side: one product of matrices for all of them.
# MERGED
# MERGED Letters in comments: M models, B batch, L steps, F features, D state size, H horizon.
# MERGED """
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import (
    EVALUATION_BATCH,
    GATHERED,
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
from forecasting.training.engines.distributed import processes
from forecasting.training.engines.torch_engine import loss_of, make_optimizer, set_rates
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.early_stopping import EarlyStopping, EpochRecord
from forecasting.training.recipe.schedule import num_epochs, step_rates
from forecasting.types import FloatArray

State = tuple[Tensor, Tensor | None]  # h and, of the LSTM, c: (M, B, D) each


class Stack:
    """Plain networks (see `forecasting.training.engines.capabilities`), each weight of theirs stacked.

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


FEWEST = 4  # members; of fewer, cuDNN makes all steps with fewer calls


class Starting(Protocol):
    """A network before training, see `forecasting.training.members.Member`."""

    @property
    def network(self) -> RecurrentNetwork:
        """On the device of the windows."""

    def generator(self, device: torch.device) -> torch.Generator:
        """Return what it draws its windows from."""


def go_together(networks: Sequence[RecurrentNetwork], config: TrainingConfig) -> bool:
    """Return whether networks shall be trained at once."""
    first = networks[0]
    return (
        len(networks) >= FEWEST
        and processes() == 1
        and next(first.parameters()).device.type == "cuda"
        and config.engine == "auto"
        and config.precision != "bfloat16"
        and first.config.hidden_size < SMALL_HIDDEN
        and not missing_for_loops(first, config)
    )


def train_together(
    members: Sequence[Starting],
    batches: BatchSource,
    validation: BatchSource,
    config: TrainingConfig,
    *,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> list[EpochRecord]:
    """Train plain networks of one shape in place, all at once.

    A member whose patience is over keeps its best weights while the others go on. A
    record's seconds are those of the epoch of all.

    Args, Returns, Raises: as `forecasting.training.members.train_members`.
    """
    epochs, each = num_epochs(len(batches), config)
    drawn = None if config.steps is None else each
    networks = [member.network for member in members]
    record = recorder_for(networks[0], config, epochs * each)
    engine = StackedEngine(networks, config, *step_rates(epochs * each, config), record)
    generators = [member.generator(batches.device) for member in members]
    courses = [
        EarlyStopping(config, epochs, len(validation) > 0, number, on_epoch)
        for number in range(len(members))
    ]
    train_losses = [math.nan] * len(members)
    for epoch in range(epochs + 1):
        began = time.perf_counter()
        if epoch:
            orders = [batches.order(config.batch_size, drawn, g) for g in generators]
            train_losses = engine.learn(batches, torch.stack(orders))
        losses = zip(train_losses, engine.loss(validation), strict=True)
        better = [
            not course.is_over and course.add(*both, began)
            for course, both in zip(courses, losses, strict=True)
        ]
        engine.keep(better)
        if all(course.is_over for course in courses):
            break
    engine.finish(networks, best=len(validation) > 0)
    return [record for course in courses for record in course.records]


class StackedEngine:
    """Makes the steps of several networks at once, and knows the best weights of each.

    Args:
        networks: plain, of one shape, on the device of the windows.
        config: how to train.
        rates, betas: learning rate, and Adam's first beta, of every step.
        record: records gradients to be replayed, see `forecasting.training.engines.cuda_graph`.
    """

    def __init__(
        self,
        networks: Sequence[RecurrentNetwork],
        config: TrainingConfig,
        rates: FloatArray,
        betas: FloatArray,
        record: Record | None = None,
    ) -> None:
        self.stack, self.config = Stack(networks), config
        self.rates, self.betas, self.made = rates, betas, 0
        # Of each model, (models,), for (models, batch, horizon) twice.
        self.losses_of = torch.vmap(loss_of(networks[0], config))
        self.optimizer = make_optimizer(self.stack.trained, config)
        self.find_gradient: Gradient = self.gradient
        if record is not None:
            self.find_gradient = ReplayedGradient(
                self.gradient, self.stack.trained, record
            )
        self.best = [weight.detach().clone() for weight in self.stack.trained]

    def learn(self, batches: BatchSource, orders: Tensor) -> list[float]:
        """Make a step of all for each batch of windows; return the mean losses.

        Args:
            batches: windows.
            orders: of each model, ``(models, windows)``.
        """
        size, count = self.config.batch_size, orders.shape[1]
        total = torch.zeros(len(self.stack), device=batches.device)
        for inputs, targets in _gathered(batches, orders, size):
            pairs = zip(inputs.split(size, 1), targets.split(size, 1), strict=True)
            for own_inputs, own_targets in pairs:
                losses = self.find_gradient(own_inputs, own_targets)
                set_rates(self.optimizer, self.rates[self.made], self.betas[self.made])
                self.optimizer.step()
                self.made += 1
                total += losses * own_inputs.shape[1]
        return _numbers(total / max(count, 1))

    def gradient(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the gradient of a batch of each model; return the losses."""
        self.optimizer.zero_grad(set_to_none=True)
        losses: Tensor = self.losses_of(self.stack(inputs), targets)
        torch.autograd.backward(losses.sum())  # no model has a share in another's
        if self.config.clip_norm is not None:
            clip_each(self.stack.trained, self.config.clip_norm)
        return losses.detach()

    @torch.no_grad()
    def loss(self, validation: BatchSource) -> list[float]:
        """Return the mean loss of each model's forecasts; NaN without windows."""
        if not len(validation):
            return [math.nan] * len(self.stack)
        models = len(self.stack)
        total = torch.zeros(models, device=validation.device)
        at_once = max(1, EVALUATION_BATCH // models)
        for block in validation.in_order():
            parts = (part.split(at_once) for part in block)
            for inputs, targets in zip(*parts, strict=True):
                every = targets.expand(models, *targets.shape)
                forecast = self.stack(inputs.expand(models, *inputs.shape))
                total += self.losses_of(forecast, every) * len(inputs)
        return _numbers(total / len(validation))

    @torch.no_grad()
    def keep(self, better: Sequence[bool]) -> None:
        """Keep the present weights of the models whose best they are."""
        if not any(better):
            return
        chosen = torch.tensor(better, device=self.best[0].device)
        for best, weight in zip(self.best, self.stack.trained, strict=True):
            best.copy_(torch.where(_along(chosen, weight), weight, best))

    @torch.no_grad()
    def finish(self, networks: Sequence[RecurrentNetwork], *, best: bool) -> None:
        """Give networks their weights: the best ones, or the present ones."""
        if best:
            for weight, kept in zip(self.stack.trained, self.best, strict=True):
                weight.copy_(kept)
        self.stack.write(networks)


@torch.no_grad()
def clip_each(weights: Sequence[Tensor], norm: float) -> None:
    """Bound the norm of each model's whole gradient, of weights ``(models, ...)``.

    The formula is that of ``torch.nn.utils.clip_grad_norm_``.
    """
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    parts = [torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients]
    length = torch.linalg.vector_norm(torch.stack(parts), dim=0)  # (M,)
    factor = (norm / (length + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(_along(factor, gradient))


def _gathered(batches: BatchSource, orders: Tensor, batch_size: int) -> Iterator[Batch]:
    """Yield the windows of each model, as many whole batches at a time as are cheap."""
    models = len(orders)
    whole = max(1, GATHERED // (models * batch_size * batches.numbers))
    for part in orders.split(whole * batch_size, 1):
        inputs, targets = batches.take(part.flatten())
        yield inputs.unflatten(0, part.shape), targets.unflatten(0, part.shape)


def _along(numbers: Tensor, weight: Tensor) -> Tensor:
    """Return a number a model, to go with a weight of all."""
    return numbers.view(-1, *[1] * (weight.ndim - 1))


def _numbers(losses: Tensor) -> list[float]:
    return [float(loss) for loss in losses.cpu()]
