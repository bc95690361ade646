"""Entry point of ``recast``: runs a command and maps errors to exit codes.

Exit codes: 0 success; 2 bad input or usage, with one message on stderr; 130 Ctrl-C or
SIGTERM; 1 any other failure, with a traceback.
"""

import os
import sys
import traceback
from functools import partial

INTERRUPT_EXIT_CODE = 130  # typer's exit code for Ctrl-C


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: command-line arguments; default those of the process.
    """
    try:
        from pipelines.cli.app import app

        run = partial(app, arguments, prog_name="recast")
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            run()
        else:  # started by torchrun as one of several processes
            from pipelines.cli.torchrun import run_distributed

            run_distributed(run, sys.argv[1:] if arguments is None else arguments)
    except ModuleNotFoundError as error:
        sys.exit(
            f"recast needs the package {error.name}: "
            "pip install 'recast-forecasting[all]'"
        )
    except SystemExit as end:
        if end.code != INTERRUPT_EXIT_CODE:
            raise
        sys.stderr.write("Interrupted: what was logged so far is kept.\n")
        raise
    except Exception as error:
        sys.exit(_report_error(error))


def _report_error(error: Exception) -> int:
    """Write an error to stderr, without passwords, and return the exit code."""
    from pipelines.errors import USER_ERRORS

    if isinstance(error, USER_ERRORS):
        sys.stderr.write(f"Error: {error}\n")
        return 2
    from model_registry.addresses import without_password
    from pipelines.tracking.access import find_user_error

    user_error = find_user_error(error)
    if user_error is not None:
        sys.stderr.write(f"Error: {user_error}\n")
        return 2
    sys.stderr.write(without_password("".join(traceback.format_exception(error))))
    return 1


if __name__ == "__main__":
    main()
