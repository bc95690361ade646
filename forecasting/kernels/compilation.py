"""The compiled loops, ready to be called: loaded, or compiled where they are not yet.

    python -m forecasting.training

compiles them ahead of the first training: some twelve seconds, once on a machine.
Without it the first training that is long enough to gain by it compiles them; shorter
ones before that are trained by torch.
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
    """Return whether the loops have been compiled before, for this processor.

    Looks where Numba keeps what it compiled: beside the file, or in its cache folder.
    """
    loaded = sys.modules.get("forecasting.kernels.recurrent")
    train = getattr(loaded, "train", None)  # absent while another thread loads it
    if train is not None and train.signatures:
        return True
    folders = [SOURCE.parent / "__pycache__"]
    if "NUMBA_CACHE_DIR" in os.environ:
        folders = [*Path(os.environ["NUMBA_CACHE_DIR"]).glob("kernels_*")]
    name = "recurrent.train-*.py{}{}.nbi".format(*sys.version_info)
    kept = [path for folder in folders for path in folder.glob(name)]
    changed = SOURCE.stat().st_mtime
    return any(path.stat().st_mtime >= changed and _fits(path) for path in kept)


def _fits(index: Path) -> bool:
    """Return whether an index of Numba's lists code for this processor, by its text."""
    from llvmlite import binding

    known = index.read_bytes()
    if "NUMBA_CPU_NAME" in os.environ:
        return os.environ["NUMBA_CPU_NAME"].encode() in known
    host = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    return all(part.encode() in known for part in host)


@cache
def load_loops() -> Any:
    """Return `forecasting.kernels.recurrent`, compiled.

    A thread of its own loads them: a signal that came while Numba was at it would be
    lost in the middle of its work, and ends the caller's waiting this way.
    """
    found: Future[Any] = Future()
    Thread(target=_load, args=(found,), daemon=True).start()
    return found.result()


def _load(found: "Future[Any]") -> None:
    try:
        from forecasting.kernels import recurrent

        _call(recurrent)
        found.set_result(recurrent)
    except BaseException as error:  # whoever waits has to hear of it
        found.set_exception(error)


def _call(kernels: Any) -> None:
    """Train next to nothing, with the types that training has."""
    shape = kernels.Shape(kernels.TANH, 1, 1, 1, 1, 1, False, False)
    weights, one = np.zeros(6, np.float32), np.zeros((1, 1), np.float32)
    moments = kernels.Moments(weights.copy(), weights.copy(), np.zeros(1, np.int64))
    kernels.train(
        shape,
        weights,
        moments,
        one,
        one,
        1,
        np.ones(1),
        np.zeros(1),
        kernels.Loss(kernels.MSE, 0.0),
        kernels.Step(1.0, 0.0, False),
        1,
    )
    kernels.forecast(shape, weights, one, one.copy(), 1)
