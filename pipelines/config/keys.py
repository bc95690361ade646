"""Keys of a job file by dotted path, and settings of them: ``--set KEY=VALUE``."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pipelines.config.job import Job, section_types
from pipelines.errors import JobError


def parse_settings(
    source: Path, settings: Sequence[str], keys: Sequence[str] | None = None
) -> dict[str, Any]:
    """Parse settings ``KEY=VALUE`` into values by dotted path, each value as YAML.

    Args:
        source: path of the job file, or of the data.
        settings: as the user wrote them.
        keys: dotted paths of all keys; None for those of a forecast.

    Raises:
        JobError: a setting has no ``=``, or a key that a job does not have.
    """
    values: dict[str, Any] = {}
    keys = list_keys() if keys is None else keys
    for setting in settings:
        key, sign, text = setting.partition("=")
        key = key.strip()
        if not sign:
            problem = "--set takes KEY=VALUE, such as model.hidden_size=64; found "
            raise JobError(source, [problem + repr(setting)])
        if key not in keys:
            raise JobError(source, [f"--set {describe_unknown(key, keys)}"])
        values[key] = _parse_value(text)
    return values


def list_keys(section: Any = Job, prefix: str = "") -> list[str]:
    """Return the dotted paths of all keys of a job file."""
    paths = []
    for name, kind in section_types(section).items():
        inner = list_keys(kind, f"{prefix}{name}.")
        paths += inner or [prefix + name]
    return paths


def _parse_value(text: str) -> Any:
    """Return a value as YAML reads it, or as text where it is no YAML: ``%d.%m.%Y``."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text.strip()


def describe_unknown(key: str, keys: Sequence[str]) -> str:
    """Describe an unknown key: similar ones, by the whole path or its last part.

    Args:
        key: dotted path.
        keys: all keys, see `list_keys`.
    """
    last = key.rpartition(".")[2]
    by_last = {path.rpartition(".")[2]: path for path in keys}
    near = difflib.get_close_matches(key, keys, 1)
    near = near or [by_last[m] for m in difflib.get_close_matches(last, by_last, 1)]
    hint = f"; did you mean {near[0]!r}?" if near else "."
    sections = sorted({path.partition(".")[0] for path in keys if "." in path})
    return (
        f"{key}: unknown key{hint} Keys are name, preset, and those of the "
        f"sections {', '.join(sections)} (docs/settings.md)."
    )
