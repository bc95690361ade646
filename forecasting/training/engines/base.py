"""Choice of the training engine: compiled loops or torch."""

from typing import Protocol

from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource
from forecasting.devices import check_precision
from forecasting.errors import SettingError
from forecasting.kernels.compilation import is_compiled
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.compiled_engine import (
    MAX_COMPILED_HIDDEN,
    CompiledEngine,
    missing_capabilities,
)
from forecasting.training.engines.cuda_graph import recorder_for
from forecasting.training.engines.distributed import num_processes
from forecasting.training.engines.torch_engine import TorchEngine
from forecasting.training.recipe.config import TrainingConfig
from forecasting.types import FloatArray

COMPILE_SECONDS = 12.0  # to compile the loops, once on a machine
TORCH_STEP_SECONDS = 9e-4  # fixed cost of an optimizer step in torch
TORCH_FLOPS = 30e9  # floating-point operations a second in torch, on one core


class StepEngine(Protocol):
    """Trains one network in place."""

    def train_epoch(self, batches: BatchSource, order: Tensor) -> float:
        """Make an optimizer step per batch, in ``order``; return the mean loss."""

    def loss(self, validation: BatchSource) -> float:
        """Return the mean loss of free-running forecasts; NaN without windows."""


def make_engine(
    network: RecurrentNetwork,
    config: TrainingConfig,
    rates: FloatArray,
    betas: FloatArray,
    *,
    num_trainings: int = 1,
) -> StepEngine:
    """Choose and create the engine that trains a network.

    The compiled loops are chosen for networks they support, unless this machine has not
    compiled them yet and compiling would take longer than the training does, or several
    processes train together: the loops run in a single process.

    Args:
        network: on the device of its windows.
        config: training settings; ``engine`` names the engine, or ``auto``.
        rates, betas: learning rate, and Adam's first beta, of every step.
        num_trainings: number of similar trainings to come, this one included.

    Raises:
        SettingError: the requested engine cannot train this network, or the device
            does not support the requested precision.
    """
    device = next(network.parameters()).device
    check_precision(device, config.precision, network.config.cell)
    if num_processes() > 1:
        return _make_distributed(network, config, rates, betas)
    missing = (
        missing_capabilities(network, config) if config.engine != "torch" else None
    )
    if config.engine == "fused" and missing:
        raise SettingError("engine", "fused", f"torch, unless there is: {missing}")
    use_compiled = config.engine == "fused" or (
        config.engine == "auto"
        and missing is None
        and network.config.hidden_size <= MAX_COMPILED_HIDDEN
        and (
            is_compiled()
            or _torch_time.worth_compiling(network, config, len(rates), num_trainings)
        )
    )
    if use_compiled:
        return CompiledEngine(network, config, rates, betas)
    record = recorder_for(network, config, len(rates))
    return TorchEngine(network, config, rates, betas, record)


def _make_distributed(
    network: RecurrentNetwork,
    config: TrainingConfig,
    rates: FloatArray,
    betas: FloatArray,
) -> StepEngine:
    """Create the engine that trains a network in several processes."""
    context = f"where {num_processes()} processes train together"
    if config.engine == "fused":
        raise SettingError("engine", "fused", f"auto or torch {context}")
    device = next(network.parameters()).device.type
    if device not in ("cpu", "cuda"):
        raise SettingError("device", device, f"cpu or cuda {context}")
    return TorchEngine(network, config, rates, betas)


class _TorchTime:
    """Estimated torch training time in this process while the loops are uncompiled."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def worth_compiling(
        self,
        network: RecurrentNetwork,
        config: TrainingConfig,
        steps: int,
        num_trainings: int,
    ) -> bool:
        """Return whether training by torch would take longer than compiling."""
        num_weights = sum(p.numel() for p in network.encoder.parameters())
        num_recurrent_steps = network.seq_len // network.config.patch_len
        operations = (
            6 * num_weights * num_recurrent_steps * config.batch_size
        )  # forward and backward
        seconds = steps * (TORCH_STEP_SECONDS + operations / TORCH_FLOPS)
        if self.seconds + seconds * num_trainings > COMPILE_SECONDS:
            return True
        self.seconds += seconds
        return False


_torch_time = _TorchTime()
