"""Distributed commands: one command in several processes, started by torchrun.

The process of rank 0 leads: it does all that a single process would do. The others are
followers: they take part in its trainings, and write and print nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO

from forecasting.errors import SettingError
from forecasting.training.engines.distributed import num_processes, process_group, rank

MULTI_PROCESS_COMMANDS = ("train", "compare")  # commands with a follower's part


def is_follower() -> bool:
    """Return whether this process is a follower."""
    return rank() > 0


def run_distributed(run: Callable[[], None], arguments: Sequence[str]) -> None:
    """Run a command in each of several processes.

    The first process that fails reports its error; the others exit silently, by code 1.

    Args:
        run: the command.
        arguments: its command-line arguments.

    Raises:
        SettingError: the command runs in a single process only.
        Exception: error of the command, in the first process that failed.
        SystemExit: the command ended with an exit code other than 0.
    """
    with process_group() as may_speak:
        try:
            _run_muted(run, arguments)
        except SystemExit as end:
            if end.code and (is_follower() or not may_speak()):
                raise SystemExit(1) from None
            if end.code:
                raise
        except Exception:
            if not may_speak():
                raise SystemExit(1) from None
            raise


def _run_muted(run: Callable[[], None], arguments: Sequence[str]) -> None:
    """Run a command, with the output of a follower discarded."""
    command = next(iter(arguments), "nothing")
    if command not in MULTI_PROCESS_COMMANDS:
        commands = " or ".join(MULTI_PROCESS_COMMANDS)
        expected = f"{commands} for {num_processes()} processes together"
        raise SettingError("command", command, expected)
    with ExitStack() as redirections:
        if is_follower():
            redirections.enter_context(redirect_stdout(StringIO()))
            redirections.enter_context(redirect_stderr(StringIO()))
        run()
