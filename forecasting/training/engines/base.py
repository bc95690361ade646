"""Interface of the training engines, and the choice of one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource
from forecasting.devices import check_precision
from forecasting.errors import SettingError
from forecasting.kernels.compilation import is_compiled
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.capabilities import EngineName, missing_capabilities
from forecasting.training.engines.compiled_engine import CompiledEngine
from forecasting.training.engines.cuda_graph import ReplayedGradient
from forecasting.training.engines.distributed import DistributedEngine, num_processes
from forecasting.training.engines.stacked_engine import StackedEngine
from forecasting.training.engines.torch_engine import TorchEngine
from forecasting.training.recipe.config import TrainingConfig
from forecasting.training.recipe.schedule import num_steps

MAX_COMPILED_HIDDEN = 255  # above, arithmetic dominates and torch is as fast
COMPILE_SECONDS = 12.0  # to compile the loops, once on a machine
TORCH_STEP_SECONDS = 9e-4  # fixed cost of an optimizer step in torch
TORCH_FLOPS = 30e9  # floating-point operations a second in torch, on one core


class TrainingEngine(Protocol):
    """Trains one network, or a stack of several, on their windows.

    Attributes:
        batches, validation: windows to train and to validate on.
        config: training settings.
    """

    batches: BatchSource
    validation: BatchSource
    config: TrainingConfig

    @property
    def weights(self) -> list[Tensor]:
        """All weights, ``(networks, ...)`` each; training updates them in place."""

    def train_epoch(self, orders: Sequence[Tensor]) -> list[float]:
        """Make an optimizer step per batch; return the mean loss of each network.

        Args:
            orders: indices of each network's windows, ``(windows,)``.
        """

    def evaluate(self) -> list[float]:
        """Return each network's mean loss of validation; NaN without windows."""

    def state(self) -> dict[str, Tensor]:
        """Return the state of the optimizer and the random numbers, by name."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`; the weights are restored by the caller."""

    def finish(self) -> None:
        """Copy the weights into the networks, where they are copies."""


def make_engines(
    networks: Sequence[RecurrentNetwork],
    batches: BatchSource,
    validation: BatchSource,
    config: TrainingConfig,
) -> Sequence[TrainingEngine]:
    """Choose and create the engines of networks: one of all, or one of each.

    Args:
        networks: of one shape, on the device of the windows.
        batches, validation: windows to train and to validate on.
        config: training settings; ``engine`` names the engine, or ``auto``.

    Raises:
        SettingError: the requested engine cannot train the networks, or the device
            does not support the requested precision.
    """
    steps = num_steps(len(batches), config)
    name = choose_engine(networks, config, steps)
    if name == "fused":
        return [CompiledEngine([n], batches, validation, config) for n in networks]
    engines = (
        [StackedEngine(networks, batches, validation, config)]
        if name == "stacked"
        else [TorchEngine([n], batches, validation, config) for n in networks]
    )
    if name == "distributed":
        return [DistributedEngine(engine) for engine in engines]
    if config.engine == "auto" and not missing_capabilities(
        "cuda_graph", networks, config, steps
    ):
        for engine in engines:
            engine.gradient = ReplayedGradient(engine.gradient, engine.trained)
    return engines


def choose_engine(
    networks: Sequence[RecurrentNetwork], config: TrainingConfig, steps: int
) -> EngineName:
    """Return the name of the engine that trains networks of one shape.

    The compiled loops are chosen for networks that they support, unless torch is as
    fast, or this machine has not compiled them yet and compiling would take longer than
    the training does.

    Raises:
        SettingError: see `make_engines`.
    """
    network = networks[0]
    device = next(network.parameters()).device
    check_precision(device, config.precision, network.config.cell)
    missing = partial(
        missing_capabilities, networks=networks, config=config, steps=steps
    )
    if config.engine == "fused":
        if reasons := missing("fused"):
            expected = f"auto or torch, as fused needs {', '.join(reasons)}"
            raise SettingError("engine", "fused", expected)
        return "fused"
    if num_processes() > 1:
        if reasons := missing("distributed"):
            expected = f"{reasons[0]} where several processes train together"
            raise SettingError("device", device.type, expected)
        return "distributed"
    if config.engine == "auto" and not missing("stacked"):
        return "stacked"
    if config.engine == "auto" and not missing("fused"):
        is_small = network.config.hidden_size <= MAX_COMPILED_HIDDEN
        if is_small and _is_worth_compiling(networks, config, steps):
            return "fused"
    return "torch"


_torch_seconds = [0.0]  # estimated training time in this process by uncompiled loops


def _is_worth_compiling(
    networks: Sequence[RecurrentNetwork], config: TrainingConfig, steps: int
) -> bool:
    """Return whether loops are compiled, or training by torch would take longer."""
    if is_compiled():
        return True
    network = networks[0]
    num_weights = sum(p.numel() for p in network.encoder.parameters())
    num_recurrent_steps = network.seq_len // network.config.patch_len
    # Forward and backward.
    operations = 6 * num_weights * num_recurrent_steps * config.batch_size
    step_seconds = TORCH_STEP_SECONDS + operations / TORCH_FLOPS
    seconds = _torch_seconds[0] + steps * step_seconds * len(networks)
    if seconds > COMPILE_SECONDS:
        return True
    _torch_seconds[0] = seconds
    return False
