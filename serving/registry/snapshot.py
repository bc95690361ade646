"""What a registry says of a model: its versions and aliases."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """A registered model.

    Attributes:
        aliases: version by alias.
        versions: all, newest first.
        changed: when the registry last changed it.
        made: when each version was made, in milliseconds; a number that is used again
            for another version has another time.
    """

    aliases: Mapping[str, str]
    versions: tuple[str, ...]
    changed: int
    made: Mapping[str, int] = field(default_factory=dict)


def same_version(
    name: str,
    version: str,
    before: Mapping[str, ModelSnapshot],
    now: Mapping[str, ModelSnapshot],
) -> bool:
    """Whether a version is registered, and is still the one that it was."""
    if name not in now or version not in now[name].versions:
        return False
    then = before.get(name, now[name])
    return then.made.get(version) == now[name].made.get(version)
