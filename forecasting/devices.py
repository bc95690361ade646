"""Where the arithmetic runs, and in what precision."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, get_args

import torch

from forecasting.errors import SettingError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16"]
DEVICES: tuple[str, ...] = get_args(Device)
PRECISIONS: tuple[str, ...] = get_args(Precision)

SMALL_HIDDEN = (
    256  # below it two threads are slower than one, and bfloat16 saves nothing
)


def pick_device(device: Device = "auto") -> torch.device:
    """Return the device to compute on: CUDA, else MPS, else the CPU.

    Raises:
        SettingError: the device that was asked for is not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return torch.device(next(name for name, usable in there.items() if usable))
    if not there.get(device, False):
        usable = ", ".join(name for name, is_usable in there.items() if is_usable)
        raise SettingError("device", device, f"auto or one that is here ({usable})")
    return torch.device(device)


def autocast(
    device: torch.device, precision: Precision, hidden_size: int
) -> AbstractContextManager[object]:
    """Return the context that a forward pass runs in.

    ``auto`` is bfloat16 on CUDA for large networks, where it pays, else float32.
    """
    large = device.type == "cuda" and hidden_size >= SMALL_HIDDEN
    if precision == "bfloat16" or (precision == "auto" and large):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


@contextmanager
def fitting_threads(device: torch.device, hidden_size: int) -> Iterator[None]:
    """Use one thread for small networks on the CPU; put the setting back after."""
    before = torch.get_num_threads()
    small = device.type == "cpu" and hidden_size < SMALL_HIDDEN
    if not small or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
