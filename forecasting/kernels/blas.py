"""One thread for products of small matrices: two are several times slower."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    """Return the libraries with threads of their own; Numba's BLAS is among them."""

    return ThreadpoolController()


class _Limit:
    """Holds while anybody is inside: threads come and go in any order."""

    def __init__(self) -> None:
        self.lock, self.inside, self.held = Lock(), 0, ExitStack()

    def enter(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                limited = _libraries().limit(limits=1, user_api="blas")
                self.held.enter_context(limited)

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.held.close()


_limit = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep each product of matrices on the thread that asks for it."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()
