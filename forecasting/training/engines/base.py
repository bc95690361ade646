"""Which engine makes the steps of a training."""

from typing import Protocol

from torch import Tensor

from forecasting.datasets.window_dataset import BatchSource
from forecasting.devices import check_precision
from forecasting.errors import SettingError
from forecasting.kernels.compilation import is_compiled
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.compiled_engine import (
    MOST_HIDDEN,
    CompiledEngine,
    missing_capabilities,
)
from forecasting.training.engines.cuda_graph import recorder_for
from forecasting.training.engines.distributed import processes
from forecasting.training.engines.torch_engine import TorchEngine
from forecasting.training.recipe.config import TrainingConfig
from forecasting.types import FloatArray

COMPILING = 12.0  # seconds that compiling the loops takes, once on a machine


STEP = 9e-4  # seconds that torch needs for a step, whatever its size


RATE = 30e9  # floating-point operations a second of torch, on one core


class StepEngine(Protocol):
    """Trains one network, which has the new weights when a call returns."""

    def learn(self, batches: BatchSource, order: Tensor) -> float:
        """Make a step for each batch of windows, in order; return the mean loss."""

    def loss(self, validation: BatchSource) -> float:
        """Return the mean loss of free-running forecasts; NaN without windows."""


def make_engine(
    network: RecurrentNetwork,
    config: TrainingConfig,
    rates: FloatArray,
    betas: FloatArray,
    *,
    alike: int = 1,
) -> StepEngine:
    """Return what trains a network.

    The compiled loops are chosen where they can train it, unless this machine has not
    compiled them yet and compiling would take longer than the training does, or several
    processes train together: the loops make each step alone.

    Args:
        network: on the device of its windows.
        config: how to train; its ``engine`` says which engine, or leaves it open.
        rates, betas: learning rate, and Adam's first beta, of every step.
        alike: trainings like this one that are to come, it among them.

    Raises:
        SettingError: the engine that was asked for cannot train this network, or its
            device not in the precision that was asked for.
    """
    device = next(network.parameters()).device
    check_precision(device, config.precision, network.config.cell)
    if processes() > 1:
        return _make_shared(network, config, rates, betas)
    missing = (
        missing_capabilities(network, config) if config.engine != "torch" else None
    )
    if config.engine == "fused" and missing:
        raise SettingError("engine", "fused", f"torch, unless there is: {missing}")
    wanted = config.engine == "fused" or (
        config.engine == "auto"
        and missing is None
        and network.config.hidden_size <= MOST_HIDDEN
        and (is_compiled() or _work.worth_compiling(network, config, len(rates), alike))
    )
    if wanted:
        return CompiledEngine(network, config, rates, betas)
    record = recorder_for(network, config, len(rates))
    return TorchEngine(network, config, rates, betas, record)


def _make_shared(
    network: RecurrentNetwork,
    config: TrainingConfig,
    rates: FloatArray,
    betas: FloatArray,
) -> StepEngine:
    """Return what trains a network in several processes."""
    together = f"where {processes()} processes train together"
    if config.engine == "fused":
        raise SettingError("engine", "fused", f"auto or torch {together}")
    device = next(network.parameters()).device.type
    if device not in ("cpu", "cuda"):
        raise SettingError("device", device, f"cpu or cuda {together}")
    return TorchEngine(network, config, rates, betas)


class _Work:
    """What torch had to do in this process because nothing was compiled."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def worth_compiling(
        self,
        network: RecurrentNetwork,
        config: TrainingConfig,
        steps: int,
        alike: int,
    ) -> bool:
        """Return whether torch would take longer, by what it is known to do."""
        numbers = sum(p.numel() for p in network.encoder.parameters())
        recurrent = network.seq_len // network.config.patch_len
        arithmetic = 6 * numbers * recurrent * config.batch_size  # forward and back
        seconds = steps * (STEP + arithmetic / RATE)
        if self.seconds + seconds * alike > COMPILING:
            return True
        self.seconds += seconds
        return False


_work = _Work()
