"""Gradients recorded once, as a CUDA graph, and replayed batch after batch.

A step of a small network is hundreds of short calls, and making them takes longer than
the GPU needs to answer them; a graph is one call. The optimizer's step stays outside:
its rates change, and a graph would repeat those that it was recorded with.

What is recorded is checked against torch before it is used: a recording that gives
other numbers could only train another network.
"""

import warnings
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from forecasting.models.network import RecurrentNetwork
from forecasting.training.recipe.config import TrainingConfig

FEWEST_STEPS = 100  # of a training that a recording pays for itself in


WARMING_UP = 3  # runs in which torch sets up what a recording may not


TOLERANCE = 1e-4  # of loss and gradients, by their norms


Gradient = Callable[[Tensor, Tensor], Tensor]


Work = Callable[[], None]


Record = Callable[[Work], Work]  # returns what does again what some work does


class ReplayedGradient:
    """The gradient of batches; of those shaped like the first one, by replaying it.

    Args:
        gradient: sets the gradient of a batch, inputs and targets, as ``grad`` of the
            weights; returns the loss, of any shape. Nothing in it is random.
        weights: that have a gradient.
        record: see `record_graph`.
    """

    def __init__(
        self, gradient: Gradient, weights: Iterable[Tensor], record: Record
    ) -> None:
        self.gradient, self.record = gradient, record
        self.weights = list(weights)
        self.replay: Work | None = None
        self.given: list[Tensor] = []  # inputs and targets, where the recording reads
        self.made: list[Tensor] = []  # loss and gradients, where it writes

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the gradient; return the loss, which the next call may overwrite."""
        if not self.given:
            self._start(inputs, targets)
        if self.replay is None or inputs.shape != self.given[0].shape:
            return self.gradient(inputs, targets)
        return self._replayed(self.replay, inputs, targets)

    def _start(self, inputs: Tensor, targets: Tensor) -> None:
        """Record the gradient; keep the recording if it agrees with torch."""
        loss = self.gradient(inputs, targets)
        self.weights = [weight for weight in self.weights if weight.grad is not None]
        expected = [loss.clone(), *(part.clone() for part in self._gradients())]
        self.given = [torch.zeros_like(inputs), torch.zeros_like(targets)]
        self.made = [torch.zeros_like(part) for part in expected]
        try:
            replay = self.record(self._work)
            self._replayed(replay, inputs, targets)
        except RuntimeError as error:
            _warn(f"cannot be recorded ({error})")
            return
        if all(map(_agree, self.made, expected)):
            self.replay = replay
        else:
            _warn("gives other numbers when it is replayed")

    def _work(self) -> None:
        """Do what is recorded."""
        loss = self.gradient(*self.given)
        for made, part in zip(self.made, [loss, *self._gradients()], strict=True):
            made.copy_(part)

    def _replayed(self, replay: Work, inputs: Tensor, targets: Tensor) -> Tensor:
        for given, own in zip(self.given, (inputs, targets), strict=True):
            given.copy_(own)
        replay()
        for weight, gradient in zip(self.weights, self.made[1:], strict=True):
            weight.grad = gradient
        return self.made[0]

    def _gradients(self) -> list[Tensor]:
        return [weight.grad for weight in self.weights if weight.grad is not None]


def record_graph(work: Work) -> Work:
    """Return what replays, on the present CUDA stream, the calls that ``work`` makes.

    Raises:
        RuntimeError: it makes calls that no graph can hold.
    """
    here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
    beside.wait_stream(here)
    with torch.cuda.stream(beside):
        for _ in range(WARMING_UP):
            work()
    here.wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    replay: Work = graph.replay
    return replay


def recorder_for(
    network: RecurrentNetwork, config: TrainingConfig, steps: int
) -> Record | None:
    """Return what records the gradient of a network; None to make every call.

    Args:
        network: on its device.
        config: how it is trained.
        steps: of its training.
    """
    on_gpu = next(network.parameters()).device.type == "cuda"
    wanted = on_gpu and config.engine == "auto" and steps >= FEWEST_STEPS
    return record_graph if wanted and not is_random(network, config) else None


def is_random(network: RecurrentNetwork, config: TrainingConfig) -> bool:
    """Return whether a gradient of the same batch is another one each time."""
    model = network.config
    forced = model.strategy != "direct" and config.teacher_forcing > 0
    return forced or (model.dropout > 0 and model.num_layers > 1)


def _agree(found: Tensor, expected: Tensor) -> bool:
    distance, size = (found - expected).norm(), expected.norm()
    return bool(distance <= TOLERANCE * size)


def _warn(what: str) -> None:
    warnings.warn(
        f"a training step {what}: this training goes on without a CUDA graph, slower.",
        RuntimeWarning,
        stacklevel=5,
    )
