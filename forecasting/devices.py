"""Compute device, floating-point precision and number of threads."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Literal, get_args

import torch
from torch import nn

from forecasting.errors import SettingError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16"]
DEVICES: tuple[str, ...] = get_args(Device)
PRECISIONS: tuple[str, ...] = get_args(Precision)

# Hidden size below which two threads are slower than one and bfloat16 saves nothing.
SMALL_HIDDEN = 256


def pick_device(device: Device = "auto") -> torch.device:
    """Return the device to compute on: CUDA, else MPS, else the CPU.

    Raises:
        SettingError: the requested device is not available.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return torch.device(next(name for name in available if available[name]))
    if not available.get(device, False):
        usable = ", ".join(name for name in available if available[name])
        raise SettingError("device", device, f"auto or one that is here ({usable})")
    return torch.device(device)


def autocast(
    device: torch.device, precision: Precision, hidden_size: int, cell: str
) -> AbstractContextManager[object]:
    """Return the precision context of a forward pass."""
    if computes_in_bfloat16(device, precision, hidden_size, cell):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def computes_in_bfloat16(
    device: torch.device, precision: Precision, hidden_size: int, cell: str
) -> bool:
    """Return whether a network computes in bfloat16 rather than in float32.

    ``auto`` is bfloat16 on CUDA for large networks, where it is faster. A model trained
    in bfloat16 elsewhere forecasts in float32 on a device that has no bfloat16.
    """
    large = device.type == "cuda" and hidden_size >= SMALL_HIDDEN
    requested = precision == "bfloat16" or (precision == "auto" and large)
    return requested and has_bfloat16(device.type, cell)


def check_precision(device: torch.device, precision: Precision, cell: str) -> None:
    """Check that a device can train a cell in the requested precision.

    Raises:
        SettingError: the device has no bfloat16 for the cell.
    """
    if precision == "bfloat16" and not has_bfloat16(device.type, cell):
        expected = (
            f"auto or float32 for {cell} networks on this {device.type}, "
            "which cannot train them in bfloat16"
        )
        raise SettingError("precision", precision, expected)


@cache
def has_bfloat16(device_type: str, cell: str) -> bool:
    """Return whether a device trains a cell in bfloat16, by training a tiny layer.

    Processors without AVX-512 have no such LSTM; the other cells work on them.
    """
    with torch.random.fork_rng(devices=[]):  # the caller's random state is unchanged
        layer = _LAYERS[cell](2, 8).to(device_type)
    steps = torch.ones(3, 4, 2, device=device_type)
    try:
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast(device_type, torch.bfloat16),
        ):
            output = layer(steps)
            total = (output[0] if isinstance(output, tuple) else output).float().sum()
        torch.autograd.backward(total)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:  # torch reports unsupported arithmetic by no other error
        return False
    return bool(total.isfinite())


_LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU, "mlp": nn.Linear}


@contextmanager
def limit_threads(device: torch.device, hidden_size: int) -> Iterator[None]:
    """Use one thread for small networks on the CPU; restore the setting afterwards."""
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
