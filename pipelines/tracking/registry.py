"""Model registry: registration, aliases, rollback, listing and lookup of versions.

A tag of the registered model, ``history.ALIAS``, lists the versions that an alias has
pointed to in order, so that a rollback is one step back.
"""

import json
import logging
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import mlflow
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo

from pipelines.config.aliases import CHAMPION, check_alias
from pipelines.errors import UnknownModel
from pipelines.tracking.access import first_line
from pipelines.tracking.runs import quiet_mlflow

MARK = "<!-- written by recast -->"  # a description of a user's is left alone
log = logging.getLogger(__name__)
REFERENCE = re.compile(r"([^@/]+)(?:@([^@/]+)|/([^@/]+))?")


def register(name: str, logged: ModelInfo, run_id: str, tags: dict[str, str]) -> str:
    """Register a version of a model and return its number.

    If that fails, no registered model without a version is left behind.
    """
    client = mlflow.MlflowClient()
    with quiet_mlflow():
        is_new = _create_registered_model(client, name)
        try:
            # A server takes a logged model as source only with its id.
            version = client.create_model_version(
                name,
                logged.model_uri,
                run_id=run_id,
                tags=tags,
                model_id=logged.model_id,
            )
        except BaseException:
            if is_new:
                _delete_if_empty(client, name)
            raise
    return str(version.version)


def _create_registered_model(client: mlflow.MlflowClient, name: str) -> bool:
    """Create a registered model unless it exists; return whether it is new."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return False
    return True


def _delete_if_empty(client: mlflow.MlflowClient, name: str) -> None:
    """Delete a registered model that has no version, if the registry still answers."""
    with suppress(MlflowException):
        if not model_versions(name):
            client.delete_registered_model(name)


def promote(name: str, version: str, alias: str = CHAMPION) -> None:
    """Move an alias to a version.

    Raises:
        UnknownModel: there is no such model or version.
        SettingError: the registry refuses an alias of that name.
    """
    check_alias(alias)
    model = _find_registered(name)
    existing = _version_numbers(model_versions(name))
    if version not in existing:
        raise UnknownModel(f"{name}/{version}", "version", existing)
    past = [v for v in _alias_history(model, alias) if v != version]
    _set_alias(name, alias, [*past, version])


def describe(name: str, version: str, text: str, registered: str) -> None:
    """Describe a version and its registered model in Markdown.

    Args:
        name: of the registered model.
        version: number.
        text: description of the version.
        registered: description of the model; a user's is not replaced.
    """
    client = mlflow.MlflowClient()
    client.update_model_version(name, version, text)
    present = client.get_registered_model(name).description
    if not present or present.startswith(MARK):
        client.update_registered_model(name, registered)


def rollback(name: str, alias: str = CHAMPION) -> str:
    """Move an alias back to the version it pointed to before; return that version.

    Raises:
        UnknownModel: there is no such model, or no version to go back to.
    """
    model = _find_registered(name)
    existing = _version_numbers(model_versions(name))
    past = [v for v in _alias_history(model, alias)[:-1] if v in existing]
    if not past:
        raise UnknownModel(f"{name}@{alias}", "version to go back to", [])
    _set_alias(name, alias, past)
    return past[-1]


def model_versions(name: str) -> list[ModelVersion]:
    """Return all versions of a model, newest first."""
    client, versions, token = mlflow.MlflowClient(), [], None
    while True:
        page = client.search_model_versions(_name_filter(name), page_token=token)
        versions += [version for version in page if version.name == name]
        token = page.token
        if not token:
            break
    return sorted(versions, key=lambda version: int(version.version), reverse=True)


def _name_filter(name: str) -> str:
    """Return a search filter for a model's versions; other models' may match too.

    MLflow's filters have no escape for a quote. A name with both kinds of quotes
    becomes a pattern, in which ``_`` is any character.
    """
    quote = '"' if "'" in name else "'"
    if quote not in name:
        return f"name = {quote}{name}{quote}"
    pattern = re.sub(r"[^\w ]", "_", name)
    return f"name LIKE '{pattern}'"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version of a registered model, for a listing."""

    name: str
    version: str
    aliases: tuple[str, ...]
    metrics: dict[str, float]
    tags: dict[str, str]


def list_versions(name: str | None = None) -> list[ModelRow]:
    """Return every version of one model, or of all models, newest first.

    In a listing of all models, one with unreadable versions is left out with a warning.

    Raises:
        UnknownModel: there is no model of that name.
    """
    if name:
        return _model_rows(_find_registered(name))
    rows = []
    for model in _all_registered():
        try:
            rows += _model_rows(model)
        except (MlflowException, ValueError) as error:
            _all_registered()  # raises if the whole registry does not answer
            reason = first_line(error)
            log.warning("model %r is left out: %s", model.name, reason)
    return rows


def _model_rows(model: RegisteredModel) -> list[ModelRow]:
    rows, aliases = [], _aliases(model)
    for version in model_versions(model.name):
        number, tags = str(version.version), dict(version.tags)
        pointing = tuple(sorted(a for a, v in aliases.items() if v == number))
        rows.append(ModelRow(model.name, number, pointing, _metrics(tags), tags))
    return rows


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers in the tag ``metrics``, which other programs may write too."""
    plain = _read_json(tags.get("metrics", "{}"))
    numbers = plain.items() if isinstance(plain, dict) else ()
    return {key: float(value) for key, value in numbers if _is_number(value)}


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _read_json(text: str) -> object:
    """Parse the JSON of a tag; None if it is invalid."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def find_version(reference: str) -> ModelVersion:
    """Return the version of a reference: ``name``, ``name@alias``, ``name/version``.

    A bare name is its champion, or its newest version while there is no champion.

    Raises:
        UnknownModel: there is no such model, alias or version; the message lists the
            existing ones.
    """
    parts = REFERENCE.fullmatch(reference)
    if parts is None:
        form = "model: write name, name@alias, name/version or a model folder"
        raise UnknownModel(reference, form, [])
    name, alias, number = parts.groups()
    aliases = _aliases(_find_registered(name))
    versions = {str(version.version): version for version in model_versions(name)}
    if alias and alias not in aliases:
        raise UnknownModel(reference, "alias", aliases)
    newest = next(iter(versions), "")
    selected = number or aliases.get(alias or CHAMPION, newest)
    if selected not in versions:
        raise UnknownModel(reference, "version", versions)
    return versions[selected]


def find_alias_target(name: str, alias: str) -> ModelVersion | None:
    """Return the version that an alias points to; None while there is none."""
    try:
        return find_version(f"{name}@{alias}")
    except UnknownModel:
        return None


def _find_registered(name: str) -> RegisteredModel:
    try:
        return mlflow.MlflowClient().get_registered_model(name)
    except MlflowException as error:
        missing = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
        if error.error_code not in missing:
            raise
        existing = [model.name for model in _all_registered()]
        raise UnknownModel(name, "registered model", existing) from None


def _all_registered() -> list[RegisteredModel]:
    client, models, token = mlflow.MlflowClient(), [], None
    while True:
        page = client.search_registered_models(page_token=token)
        models += page
        token = page.token
        if not token:
            return models


def _version_numbers(versions: list[ModelVersion]) -> list[str]:
    return [str(version.version) for version in versions]


def _aliases(model: RegisteredModel) -> dict[str, str]:
    return {alias: str(version) for alias, version in model.aliases.items()}


def _alias_history(model: RegisteredModel, alias: str) -> list[str]:
    """Return the versions that an alias has pointed to, oldest first, current last."""
    plain = _read_json(model.tags.get(f"history.{alias}", "[]"))
    past = [v for v in plain if isinstance(v, str)] if isinstance(plain, list) else []
    current = _aliases(model).get(alias)
    if current is not None and (not past or past[-1] != current):
        past = [*(v for v in past if v != current), current]  # set by another program
    return past


def _set_alias(name: str, alias: str, history: list[str]) -> None:
    client = mlflow.MlflowClient()
    client.set_registered_model_alias(name, alias, history[-1])
    client.set_registered_model_tag(name, f"history.{alias}", json.dumps(history[-50:]))
