"""Versions and aliases of a registered model at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """A registered model.

    Attributes:
        aliases: version by alias.
        versions: all, newest first.
        changed: when the registry last changed it.
        creation_times: milliseconds by version; a number that is used again for
            another version has another time. On disk the key is ``made``.
    """

    aliases: Mapping[str, str]
    versions: tuple[str, ...]
    changed: int
    creation_times: Annotated[Mapping[str, int], Field(alias="made")] = field(
        default_factory=dict
    )


def is_same_version(
    name: str,
    version: str,
    previous: Mapping[str, ModelSnapshot],
    current: Mapping[str, ModelSnapshot],
) -> bool:
    """Return whether a version is registered and was not replaced under its number."""
    if name not in current or version not in current[name].versions:
        return False
    before = previous.get(name, current[name]).creation_times
    return before.get(version) == current[name].creation_times.get(version)
