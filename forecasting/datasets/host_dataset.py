"""Panels larger than a GPU's memory: series stay on the host, windows go by blocks.

A block is gathered on the host and copied without waiting. The device works off the
steps that it was given meanwhile, so that the next block is made while it trains.
"""

import math
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import Batch, WindowDataset
from forecasting.scaling.window_scaling import ScaledWindows

SHARE = 0.5  # of the device's free memory that series may take


CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class HostDataset(WindowDataset):
    """Windows of series on the host, copied to a device when they are asked for.

    Attributes:
        target: the device.
    """

    target: torch.device = CPU

    @classmethod
    def of(cls, batches: WindowDataset, device: torch.device) -> Self:
        """Return windows as they are, but copied to ``device``."""
        own = {field.name: getattr(batches, field.name) for field in fields(batches)}
        return cls(**{**own, "target": device})

    @property
    def device(self) -> torch.device:
        """Where the windows are trained on."""
        return self.target

    def take(self, index: Tensor) -> Batch:
        """Return windows by their numbers, on the device."""
        inputs, targets = WindowDataset.take(self, index.to(self.values.device))
        return self._send(inputs), self._send(targets)

    def frame(self, index: Tensor) -> ScaledWindows:
        """Return z of windows, and how forecasts of them become u, on the device."""
        own = WindowDataset.frame(self, index.to(self.values.device))
        return own.to(self.target)

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return all windows in a new random order, or so many batches by chance.

        The numbers lie on the host: there are about as many windows as observations.
        """
        home = self.values.device
        if generator is not None and generator.device.type != home.type:
            device = generator.device
            seed = torch.randint(2**62, (), device=device, generator=generator)
            generator = torch.Generator(home).manual_seed(int(seed))
        return WindowDataset.order(self, batch_size, batches, generator)

    def _send(self, block: Tensor) -> Tensor:
        """Copy to the device; from pinned memory, so that nothing waits for it."""
        if self.target.type == "cuda":
            block = block.pin_memory()
        return block.to(self.target, non_blocking=True)


def home_of(
    numbers: int, device: torch.device, room: float | None = None
) -> torch.device:
    """Return where a panel shall lie: on the device, or on the host if it is large.

    Args:
        numbers: in single precision, that the panel takes.
        device: that trains.
        room: bytes that it has for them; default half of a GPU's free memory, and all
            that is asked for elsewhere.
    """
    if room is None:
        on_gpu = device.type == "cuda"
        room = SHARE * torch.cuda.mem_get_info(device)[0] if on_gpu else math.inf
    return device if 4 * numbers <= room else CPU
