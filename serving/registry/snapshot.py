"""Versions and aliases of a registered model at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

Key = tuple[str, str]  # name and version


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


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """The registered models by name, before and after a change of the registry."""

    before: Mapping[str, ModelSnapshot]
    after: Mapping[str, ModelSnapshot]

    def still_registered(self, key: Key) -> bool:
        """Return whether a version is registered and was not replaced."""
        name, version = key
        entry = self.after.get(name)
        return (
            entry is not None
            and version in entry.versions
            and not self._is_replaced(key)
        )

    def still_named(self, key: Key) -> bool:
        """Return the same; an alias that points to a removed version suffices."""
        name, version = key
        entry = self.after.get(name)
        return (
            entry is not None
            and version in (*entry.versions, *entry.aliases.values())
            and not self._is_replaced(key)
        )

    def _is_replaced(self, key: Key) -> bool:
        """Return whether the number of a version was used again for another."""
        name, version = key
        after = self.after[name]
        before = self.before.get(name, after)
        return before.creation_times.get(version) != after.creation_times.get(version)
