"""SIGTERM and Ctrl-C as exceptions, but never in the middle of a transaction.

Raised there, they would be swallowed by a destructor of SQLAlchemy's, or leave behind a
connection that holds its locks, for which every later write waits in vain. So they wait
until the main thread has left the database, and come again should nobody hear them.
What they break on their way out, a file closed twice, does not hide them.
"""

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pipelines.errors import Interrupted

SOON = 0.02  # seconds until a signal that came inside a database is tried again


PATIENCE = 10.0  # seconds it waits for a database at most


UNHEARD = 5.0  # seconds until one that a destructor swallowed is tried again


class _Asked:
    """A signal that has come: when, and whether its exception arrived."""

    def __init__(self) -> None:
        self.since, self.heard = time.monotonic(), False


_asked: _Asked | None = None


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C raise inside a block, in the main thread; may be nested.

    Who catches it asks `heard`. Signals that the process ignores, or that something
    other than Python handles, stay as they are.

    Raises:
        Interrupted: one of them has come.
    """
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, _interrupt)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
        if _asked is not None and not _asked.heard:  # while the block was being left
            raise Interrupted
    except Exception as error:
        if _asked is not None:
            raise Interrupted from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if _interrupt not in before.values():  # the outermost block
            _asked = None


def heard(error: BaseException) -> bool:
    """Return whether an interrupt, or what it broke, has arrived, and take note of it.

    It does not come again then: what is done from now on may take long.
    """
    if _asked is None:
        return isinstance(error, KeyboardInterrupt)
    _asked.heard = True
    return True


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _asked
    if _asked is None or _asked.heard:
        _asked = _Asked()
    waits = _in_database(frame) and time.monotonic() - _asked.since < PATIENCE
    again = threading.Timer(
        SOON if waits else UNHEARD, _ask_again, (_asked, signal.Signals(number))
    )
    again.daemon = True
    again.start()
    if not waits:
        raise Interrupted


def _ask_again(asked: _Asked, number: signal.Signals) -> None:
    if asked is _asked and not asked.heard:
        _thread.interrupt_main(number)


def _in_database(frame: FrameType | None) -> bool:
    """Return whether SQLAlchemy, or a store that is written with it, is at work."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if "sqlalchemy" in module or module.startswith("optuna.storages"):
            return True
        frame = frame.f_back
    return False
