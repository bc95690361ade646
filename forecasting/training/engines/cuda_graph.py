"""Gradients recorded once as a CUDA graph and replayed for every batch.

A step of a small network is hundreds of short kernel launches, and launching them takes
longer than the GPU needs to run them; a graph is one launch. The optimizer's step is
not recorded: its rates change, and a graph would repeat the recorded ones.

A recording is compared with torch's gradient before it is used, and dropped if the
numbers differ.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from forecasting.training.engines.torch_engine import Gradient

WARM_UP_RUNS = 3  # before recording: a graph cannot hold torch's lazy set-up
TOLERANCE = 1e-4  # of loss and gradients, by their norms
Work = Callable[[], None]
Record = Callable[[Work], Work]  # records work and returns its replay


def record_graph(work: Work) -> Work:
    """Record the CUDA calls of ``work``; return a function that replays them.

    The replay runs on the current CUDA stream.

    Raises:
        RuntimeError: ``work`` makes calls that no graph can hold.
    """
    current, side = torch.cuda.current_stream(), torch.cuda.Stream()
    side.wait_stream(current)
    with torch.cuda.stream(side):
        for _ in range(WARM_UP_RUNS):
            work()
    current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    replay: Work = graph.replay
    return replay


class ReplayedGradient:
    """Gradient of a batch, replayed for batches that are shaped like the first one.

    Args:
        gradient: sets the gradient of a batch, inputs and targets, as ``grad`` of the
            weights; returns the loss, of any shape. It is deterministic.
        weights: trainable weights.
        record: records work, see `record_graph`.
    """

    def __init__(
        self, gradient: Gradient, weights: list[Tensor], record: Record = record_graph
    ) -> None:
        self.gradient, self.weights, self.record = gradient, weights, record
        self.replay: Work | None = None
        self.buffers: list[Tensor] = []  # inputs and targets, where a recording reads
        self.outputs: list[Tensor] = []  # loss and gradients, where it writes

    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Set the gradient; return the loss, which the next call may overwrite."""
        if not self.buffers:
            self._try_recording(inputs, targets)
        if self.replay is None or inputs.shape != self.buffers[0].shape:
            return self.gradient(inputs, targets)
        return self._replay(self.replay, inputs, targets)

    def _try_recording(self, inputs: Tensor, targets: Tensor) -> None:
        """Record the gradient; use the recording if it agrees with torch."""
        loss = self.gradient(inputs, targets)
        self.weights = [weight for weight in self.weights if weight.grad is not None]
        expected = [loss.clone(), *(part.clone() for part in self._gradients())]
        self.buffers = [torch.zeros_like(inputs), torch.zeros_like(targets)]
        self.outputs = [torch.zeros_like(part) for part in expected]
        try:
            replay = self.record(self._run_gradient)
            self._replay(replay, inputs, targets)
        except RuntimeError as error:
            _warn(f"cannot be recorded ({error})")
            return
        if all(map(_agree, self.outputs, expected)):
            self.replay = replay
        else:
            _warn("gives other numbers when it is replayed")

    def _run_gradient(self) -> None:
        """Compute the gradient into the output buffers; the recorded work."""
        loss = self.gradient(*self.buffers)
        for output, part in zip(self.outputs, [loss, *self._gradients()], strict=True):
            output.copy_(part)

    def _replay(self, replay: Work, inputs: Tensor, targets: Tensor) -> Tensor:
        for buffer, value in zip(self.buffers, (inputs, targets), strict=True):
            buffer.copy_(value)
        replay()
        for weight, gradient in zip(self.weights, self.outputs[1:], strict=True):
            weight.grad = gradient
        return self.outputs[0]

    def _gradients(self) -> list[Tensor]:
        return [weight.grad for weight in self.weights if weight.grad is not None]


def _agree(replayed: Tensor, expected: Tensor) -> bool:
    distance, size = (replayed - expected).norm(), expected.norm()
    return bool(distance <= TOLERANCE * size)


def _warn(problem: str) -> None:
    warnings.warn(
        f"a training step {problem}: "
        "this training goes on without a CUDA graph, slower.",
        RuntimeWarning,
        stacklevel=5,
    )
