"""Errors of the registry's content.

RegistryError
├── UnknownModel    no such model, alias or version in the registry
└── AliasMoved      another process has moved the alias meanwhile
"""

from collections.abc import Iterable

from forecasting.errors import join_shown


class RegistryError(Exception):
    """Base class of errors that the registry's content causes."""


class UnknownModel(RegistryError):
    """The registry holds no such model, alias or version.

    Args:
        reference: the model as the user wrote it.
        kind: the missing item: registered model, alias or version.
        existing: names or numbers of that kind that do exist.
    """

    def __init__(self, reference: str, kind: str, existing: Iterable[object]) -> None:
        self.reference = reference
        listing = join_shown(existing)
        missing = f"such {kind}; there is: {listing}" if listing else kind
        super().__init__(f"{reference}: there is no {missing}.")


class AliasMoved(RegistryError):
    """Another process has moved the alias meanwhile.

    Args:
        name, alias: of the model and its alias.
        version: version that the alias points to now; None without one.
    """

    def __init__(self, name: str, alias: str, version: str | None) -> None:
        super().__init__(
            f"{name}@{alias} was moved meanwhile, and is version {version} now. Look "
            "at it, and ask again."
        )
