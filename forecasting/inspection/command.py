"""The command that trains on a file, with the options by which it was read."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OPTIONS = {  # of the command line, by attribute of the schema
    "known_covariates": "known",
    "past_covariates": "past",
    "static_covariates": "static",
}
LISTS = ("time", "series_id")  # options that are given once, with commas


def train_arguments(
    source: str, settings: Mapping[str, Any], windows: Mapping[str, Any]
) -> list[str]:
    """Return the arguments of a training after ``recast``.

    Args:
        source: path of the file.
        settings: attributes of `forecasting.data.schema.Schema`; None and empty ones
            are left out.
        windows: further options with numbers, such as ``horizon``.
    """
    options = [
        f"--{name.replace('_', '-')}={value}" for name, value in _options(settings)
    ]
    options += [
        f"--{name.replace('_', '-')}={value}"
        for name, value in windows.items()
        if value is not None
    ]
    source = f"./{source}" if source.startswith("-") else source
    return ["train", source, *options]


def train_command(
    source: str, settings: Mapping[str, Any], windows: Mapping[str, Any]
) -> str:
    """Return the command that trains on a file, as a shell reads it.

    >>> train_command("my sales.csv", {"decimal": ",", "target": None}, {"horizon": 14})
    "recast train 'my sales.csv' --decimal=, --horizon=14"
    """
    return shlex.join(["recast", *train_arguments(source, settings, windows)])


def _options(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the options of reading with their values."""
    for key, value in settings.items():
        if value is None or value == "" or value == []:
            continue
        name = OPTIONS.get(key, key)
        if isinstance(value, str) or not isinstance(value, Sequence):
            yield name, str(value)
        elif key in LISTS:
            yield name, ",".join(value)
        else:
            yield from ((name, item) for item in value)
