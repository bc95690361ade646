"""Aliases of registered models: their history, promotion and rollback.

A tag of the registered model, ``history.ALIAS``, lists the versions that an alias has
pointed to in order, so that a rollback is one step back.
"""

import json
from contextlib import suppress
from dataclasses import dataclass

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from model_registry.errors import AliasMoved, UnknownModel
from model_registry.locks import alias_lock
from model_registry.search import find_registered, model_versions, read_json

MAX_ATTEMPTS = 3  # to write where another host writes at the same moment
MAX_HISTORY = 50  # versions in the tag


@dataclass(frozen=True, slots=True)
class Move:
    """A move of an alias.

    Attributes:
        version: version that the alias points to now.
        before: version that it pointed to before; None without one.
    """

    version: str
    before: str | None


def promote(
    name: str, version: str, alias: str, *, seconds: float | None = None
) -> Move:
    """Move an alias to a version.

    Args:
        name: of the model.
        version: number.
        alias: to move.
        seconds: to wait for another process; default there is no limit.

    Raises:
        UnknownModel: there is no such model or version.
        TimeoutError: another process has the alias for longer than ``seconds``.
    """
    with alias_lock(name, seconds):
        model = find_registered(name)
        if not has_version(name, version):
            existing = [v.version for v in model_versions(name)]
            raise UnknownModel(f"{name}/{version}", "version", existing)
        before = current_aliases(model).get(alias)
        past = [v for v in _history(model, alias) if v != version]
        _set_alias(name, alias, [*past, version])
    return Move(version, before)


def rollback(
    name: str, alias: str, *, to: str | None = None, seconds: float | None = None
) -> Move:
    """Move an alias back to the version it pointed to before.

    Args:
        name, alias, seconds: as `promote`.
        to: version that it is expected to be.

    Raises:
        UnknownModel: there is no such model, or no version to go back to.
        AliasMoved: it is another version than expected.
        TimeoutError: as `promote`.
    """
    with alias_lock(name, seconds):
        model = find_registered(name)
        past, before = _past(model, alias), current_aliases(model).get(alias)
        if to is not None and past[-1] != to:
            raise AliasMoved(name, alias, before)
        _set_alias(name, alias, past)
    return Move(past[-1], before)


def previous_version(name: str, alias: str) -> str:
    """Return the version that a rollback would go back to.

    Raises:
        UnknownModel: as `rollback`.
    """
    return _past(find_registered(name), alias)[-1]


def has_version(name: str, version: str) -> bool:
    """Return whether a model has a version of this number."""
    with suppress(MlflowException):
        return bool(mlflow.MlflowClient().get_model_version(name, version))
    return False


def current_aliases(model: RegisteredModel) -> dict[str, str]:
    """Return the version of each alias."""
    return {alias: str(version) for alias, version in model.aliases.items()}


def _past(model: RegisteredModel, alias: str) -> list[str]:
    """Return the history of an alias up to the version before, of those that exist.

    Raises:
        UnknownModel: there is none.
    """
    existing = {str(version.version) for version in model_versions(model.name)}
    past = [v for v in _history(model, alias)[:-1] if v in existing]
    if not past:
        raise UnknownModel(f"{model.name}@{alias}", "version to go back to", [])
    return past


def _history(model: RegisteredModel, alias: str) -> list[str]:
    """Return the versions that an alias has pointed to, oldest first, current last."""
    plain = read_json(model.tags.get(f"history.{alias}", "[]"))
    past = [v for v in plain if isinstance(v, str)] if isinstance(plain, list) else []
    current = current_aliases(model).get(alias)
    if current is not None and (not past or past[-1] != current):
        past = [*(v for v in past if v != current), current]  # set by another program
    return past


def _set_alias(name: str, alias: str, history: list[str]) -> None:
    client = mlflow.MlflowClient()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            client.set_registered_model_alias(name, alias, history[-1])
            tag = json.dumps(history[-MAX_HISTORY:])
            client.set_registered_model_tag(name, f"history.{alias}", tag)
            return
        except MlflowException as error:  # another host has set the first one
            if "unique" not in str(error).lower() or attempt == MAX_ATTEMPTS:
                raise
