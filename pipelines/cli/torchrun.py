"""One command in several processes, as torchrun starts them: the first one leads.

The leader does what a process alone would do. The others follow: they take part in its
trainings, and write and say nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO

from forecasting.errors import SettingError
from forecasting.training.engines.distributed import joined, processes, rank

TOGETHER = ("train", "compare")  # commands that know how to follow


def is_follower() -> bool:
    """Return whether another process leads this one."""
    return rank() > 0


def run_together(run: Callable[[], None], arguments: Sequence[str]) -> None:
    """Run a command in each of several processes.

    The first that fails says why; the others end in silence, by code 1.

    Args:
        run: the command.
        arguments: that it was given.

    Raises:
        SettingError: the command is for one process.
        Exception: whatever the command raised, in the first process that failed.
        SystemExit: the command ended otherwise than well.
    """
    with joined() as may_speak:
        try:
            _run_hushed(run, arguments)
        except SystemExit as done:
            if done.code and (is_follower() or not may_speak()):
                raise SystemExit(1) from None
            if done.code:
                raise
        except Exception:
            if not may_speak():
                raise SystemExit(1) from None
            raise


def _run_hushed(run: Callable[[], None], arguments: Sequence[str]) -> None:
    """Run a command; what a follower would say to a person is dropped."""
    command = next(iter(arguments), "nothing")
    if command not in TOGETHER:
        wanted = f"{' or '.join(TOGETHER)} for {processes()} processes together"
        raise SettingError("command", command, wanted)
    with ExitStack() as hushed:
        if is_follower():
            hushed.enter_context(redirect_stdout(StringIO()))
            hushed.enter_context(redirect_stderr(StringIO()))
        run()
