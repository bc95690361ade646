"""Settings of Numba, and compilation with a cache on disk."""

from collections.abc import Callable
from typing import Any

from numba import njit

# Multiply-adds may be fused, and sums split into vector lanes.
SUMS: dict[str, Any] = {
    "fastmath": {"contract", "reassoc"},
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
}


def compile_cached(function: Callable[..., Any], **settings: Any) -> Any:
    """Compile a function, with a cache on disk if Numba has a writable folder."""
    try:
        return njit(cache=True, **settings)(function)
    except RuntimeError:  # Numba has no writable folder
        return njit(**settings)(function)


def compile_sums(function: Callable[..., Any]) -> Any:
    """Compile a function, with sums split into vector lanes, see `SUMS`."""
    return compile_cached(function, **SUMS)
