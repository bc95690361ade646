"""Whether this process is about to end, and with it the streams of events."""

_is_draining = False


def begin_draining() -> None:
    """Note that the process is about to end."""
    global _is_draining
    _is_draining = True


def is_draining() -> bool:
    """Return whether the process is about to end."""
    return _is_draining
