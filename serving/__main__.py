"""``python -m serving`` is ``recast serve``."""

import typer

from serving.command import serve

if __name__ == "__main__":
    typer.run(serve)
