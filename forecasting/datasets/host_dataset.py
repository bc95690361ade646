"""Window data set of panels larger than a GPU's memory: series stay on the host.

Windows are copied in blocks. A block is gathered on the host and copied asynchronously:
the device works on the steps in its queue while the host gathers the next block.
"""

import math
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from forecasting.datasets.window_dataset import Batch, WindowDataset
from forecasting.scaling.window_scaling import ScaledWindows

MAX_MEMORY_SHARE = 0.5  # of the device's free memory that series may take
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class HostDataset(WindowDataset):
    """Windows of series on the host, copied to the training device in blocks.

    Attributes:
        target: the training device.
    """

    target: torch.device = CPU

    @classmethod
    def of(cls, batches: WindowDataset, device: torch.device) -> Self:
        """Return the same windows, to be copied to ``device``."""
        values = {field.name: getattr(batches, field.name) for field in fields(batches)}
        return cls(**{**values, "target": device})

    @property
    def device(self) -> torch.device:
        """Device of the batches."""
        return self.target

    def take(self, index: Tensor) -> Batch:
        """Return windows by their index, on the device."""
        inputs, targets = WindowDataset.take(self, index.to(self.values.device))
        return self._send(inputs), self._send(targets)

    def frame(self, index: Tensor) -> ScaledWindows:
        """Return windows by their index, with their scaling, on the device."""
        windows = WindowDataset.frame(self, index.to(self.values.device))
        return windows.to(self.target)

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return all windows in random order, or a number of random batches.

        The indices lie on the host: there are about as many windows as observations.
        """
        home = self.values.device
        if generator is not None and generator.device.type != home.type:
            device = generator.device
            seed = torch.randint(2**62, (), device=device, generator=generator)
            generator = torch.Generator(home).manual_seed(int(seed))
        return WindowDataset.order(self, batch_size, batches, generator)

    def _send(self, block: Tensor) -> Tensor:
        """Copy to the device, from pinned memory, so that the copy is asynchronous."""
        if self.target.type == "cuda":
            block = block.pin_memory()
        return block.to(self.target, non_blocking=True)


def storage_device(
    numbers: int, device: torch.device, max_bytes: float | None = None
) -> torch.device:
    """Return the device to store a panel on: the host if the panel is large.

    Args:
        numbers: size of the panel, in single-precision numbers.
        device: the training device.
        max_bytes: for the panel; default half of a GPU's free memory, and unlimited on
            other devices.
    """
    if max_bytes is None:
        on_gpu = device.type == "cuda"
        max_bytes = (
            MAX_MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]
            if on_gpu
            else math.inf
        )
    return device if 4 * numbers <= max_bytes else CPU
