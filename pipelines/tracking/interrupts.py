"""SIGTERM and Ctrl-C as exceptions, deferred while a database transaction runs.

Inside a transaction, the exception would be swallowed by a destructor of SQLAlchemy, or
leave a connection with its locks, and every later write would wait for it. So it is
deferred until the main thread has left the database, and raised again if it was
swallowed. Errors that it causes on its way, such as a file closed twice, are reported
as the interrupt.
"""

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pipelines.errors import Interrupted

DATABASE_RETRY_SECONDS = 0.02  # between attempts while the database is in use
MAX_DATABASE_WAIT_SECONDS = 10.0  # then the exception is raised inside the database
UNACKNOWLEDGED_RETRY_SECONDS = 5.0  # until a swallowed exception is raised again


class _PendingSignal:
    """A received signal: its time, and whether its exception was acknowledged."""

    def __init__(self) -> None:
        self.since, self.acknowledged = time.monotonic(), False


_pending: _PendingSignal | None = None


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise on SIGTERM and Ctrl-C inside a block, in the main thread; may be nested.

    Code that catches the exception must call `acknowledge_interrupt`. Signals that the
    process ignores, or that are not handled by Python, are left alone.

    Raises:
        Interrupted: SIGTERM or SIGINT was received.
    """
    global _pending
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, _handle_signal)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
        if _pending is not None and not _pending.acknowledged:  # at the block's end
            raise Interrupted
    except Exception as error:
        if _pending is not None:
            raise Interrupted from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if _handle_signal not in before.values():  # the outermost block
            _pending = None


def acknowledge_interrupt(error: BaseException) -> bool:
    """Return whether an error is an interrupt or caused by one, and acknowledge it.

    The exception is not raised again then, so that cleaning up may take long.
    """
    if _pending is None:
        return isinstance(error, KeyboardInterrupt)
    _pending.acknowledged = True
    return True


def _handle_signal(number: int, frame: FrameType | None) -> None:
    global _pending
    if _pending is None or _pending.acknowledged:
        _pending = _PendingSignal()
    waited = time.monotonic() - _pending.since
    deferred = _in_database(frame) and waited < MAX_DATABASE_WAIT_SECONDS
    delay = DATABASE_RETRY_SECONDS if deferred else UNACKNOWLEDGED_RETRY_SECONDS
    arguments = (_pending, signal.Signals(number))
    retry = threading.Timer(delay, _raise_again, arguments)
    retry.daemon = True
    retry.start()
    if not deferred:
        raise Interrupted


def _raise_again(pending: _PendingSignal, number: signal.Signals) -> None:
    if pending is _pending and not pending.acknowledged:
        _thread.interrupt_main(number)


def _in_database(frame: FrameType | None) -> bool:
    """Return whether a stack runs SQLAlchemy, or an Optuna storage on top of it."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if "sqlalchemy" in module or module.startswith("optuna.storages"):
            return True
        frame = frame.f_back
    return False
