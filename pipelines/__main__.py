"""Entry point of ``recast``: run a command, turn errors into messages and exit codes.

0 done; 2 bad input or usage, one message on stderr; 1 anything else.
"""

import os
import sys
import traceback
from functools import partial

INTERRUPTED = 130  # typer's exit code for Ctrl-C


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: what was typed behind ``recast``; default the process's own.
    """
    try:
        from pipelines.cli.app import app

        run = partial(app, arguments, prog_name="recast")
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            run()
        else:  # torchrun has started several of this process
            from pipelines.cli.torchrun import run_together

            run_together(run, sys.argv[1:] if arguments is None else arguments)
    except ModuleNotFoundError as error:
        sys.exit(
            f"recast needs the package {error.name}: "
            "pip install 'recast-forecasting[all]'"
        )
    except SystemExit as done:
        if done.code != INTERRUPTED:
            raise
        sys.exit("Interrupted: what was logged so far is kept.")
    except Exception as error:
        sys.exit(_explain(error))


def _explain(error: Exception) -> int:
    """Write what went wrong to stderr, without a password; return the exit code."""
    from pipelines.errors import MENDABLE

    if isinstance(error, MENDABLE):
        sys.stderr.write(f"Error: {error}\n")
        return 2
    from pipelines.tracking.access import find_mendable, without_password

    mendable = find_mendable(error)
    if mendable is not None:
        sys.stderr.write(f"Error: {mendable}\n")
        return 2
    sys.stderr.write(without_password("".join(traceback.format_exception(error))))
    return 1


if __name__ == "__main__":
    main()
