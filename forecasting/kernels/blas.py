"""BLAS limited to one thread: small matrix products are slower with two."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    """Return a controller of the loaded thread pools; Numba's BLAS is among them."""
    return ThreadpoolController()


class _Limit:
    """Thread limit that holds until the last of several threads leaves it."""

    def __init__(self) -> None:
        self.lock, self.num_inside, self.limits = Lock(), 0, ExitStack()

    def enter(self) -> None:
        with self.lock:
            self.num_inside += 1
            if self.num_inside == 1:
                limited = _libraries().limit(limits=1, user_api="blas")
                self.limits.enter_context(limited)

    def leave(self) -> None:
        with self.lock:
            self.num_inside -= 1
            if not self.num_inside:
                self.limits.close()


_limit = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run each matrix product on the calling thread only."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()
