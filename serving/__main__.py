"""``python -m serving`` is ``recast serve``."""

import typer

from serving.cli import serve

if __name__ == "__main__":
    typer.run(serve)
