"""Loading of the compiled loops, and their compilation at first use.

    python -m forecasting.training

compiles them ahead of the first training: some twelve seconds, once on a machine.
Otherwise the first training long enough to be faster with them compiles them; torch
trains the shorter ones until then.
"""

import os
import sys
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

SOURCE = Path(__file__).with_name("recurrent.py")


def is_compiled() -> bool:
    """Return whether compiled loops exist for this processor.

    Checks Numba's caches: beside the source file, or in its cache folder.
    """
    loaded = sys.modules.get("forecasting.kernels.recurrent")
    train = getattr(loaded, "train", None)  # absent while another thread loads it
    if train is not None and train.signatures:
        return True
    folders = [SOURCE.parent / "__pycache__"]
    if "NUMBA_CACHE_DIR" in os.environ:
        folders = [*Path(os.environ["NUMBA_CACHE_DIR"]).glob("kernels_*")]
    name = "recurrent.train-*.py{}{}.nbi".format(*sys.version_info)
    indexes = [path for folder in folders for path in folder.glob(name)]
    changed = SOURCE.stat().st_mtime
    return any(path.stat().st_mtime >= changed and _fits(path) for path in indexes)


def _fits(index: Path) -> bool:
    """Return whether a Numba index file lists code for this processor."""
    from llvmlite import binding

    content = index.read_bytes()
    if "NUMBA_CPU_NAME" in os.environ:
        return os.environ["NUMBA_CPU_NAME"].encode() in content
    host = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    return all(part.encode() in content for part in host)


@cache
def load_loops() -> Any:
    """Return the compiled module `forecasting.kernels.recurrent`.

    A separate thread loads it: a signal during Numba's compilation would be lost, but
    interrupts the calling thread this way.
    """
    module: Future[Any] = Future()
    Thread(target=_load, args=(module,), daemon=True).start()
    return module.result()


def _load(module: "Future[Any]") -> None:
    try:
        from forecasting.kernels import recurrent

        _compile(recurrent)
        module.set_result(recurrent)
    except BaseException as error:  # raised in the waiting thread
        module.set_exception(error)


def _compile(kernels: Any) -> None:
    """Train and forecast once on minimal arrays of the final types, to compile."""
    shape = kernels.Shape(kernels.TANH, 1, 1, 1, 1, 1, False, False)
    weights, window = np.zeros(6, np.float32), np.zeros((1, 1), np.float32)
    moments = kernels.Moments(weights.copy(), weights.copy(), np.zeros(1, np.int64))
    kernels.train(
        shape,
        weights,
        moments,
        window,
        window,
        1,
        np.ones(1),
        np.zeros(1),
        kernels.Loss(kernels.MSE, 0.0),
        kernels.Step(1.0, 0.0, False),
        1,
    )
    kernels.forecast(shape, weights, window, window.copy(), 1)
