"""Commands that follow a training, as a user types them."""

import shlex

from rich.console import Console

from pipelines.config.aliases import CHAMPION


def print_next_steps(console: Console, reference: str) -> None:
    """Print the commands that forecast with a new version, explain and serve it.

    Args:
        console: output.
        reference: to the version, see `name_reference`.
    """
    model = shlex.quote(reference)
    steps = {
        f"recast forecast {model}": "continues the series",
        f"recast explain {model}": "shows what the forecast depends on",
        "recast serve": f"serves each {CHAMPION}: http://127.0.0.1:8000",
    }
    width = max(map(len, steps))
    for number, (command, effect) in enumerate(steps.items()):
        start = "      " if number else "next: "
        console.print(f"{start}{command:{width}}  {effect}", markup=False)


def name_reference(name: str, version: str, alias: str | None) -> str:
    """Return the shortest reference to a version.

    Args:
        name: of the model.
        version: its number.
        alias: that points to it; None for none.
    """
    if alias is None:
        return f"{name}/{version}"
    return name if alias == CHAMPION else f"{name}@{alias}"
