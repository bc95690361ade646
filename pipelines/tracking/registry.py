"""The model registry: versions, and the aliases that point to them.

An alias remembers where it has pointed: a tag of the registered model lists its
versions in order, so that a rollback is one step back.
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

log = logging.getLogger(__name__)


REFERENCE = re.compile(r"([^@/]+)(?:@([^@/]+)|/([^@/]+))?")


def register(name: str, logged: ModelInfo, run_id: str, tags: dict[str, str]) -> str:
    """Make a version of a registered model; return its number.

    Where that fails, no registered model without a version stays behind.
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
        if not versions(name):
            client.delete_registered_model(name)


def promote(name: str, version: str, alias: str = CHAMPION) -> None:
    """Move an alias to a version.

    Raises:
        UnknownModel: there is no such model or version.
        SettingError: no alias can have that name.
    """
    check_alias(alias)
    model = _registered(name)
    there = _numbers(versions(name))
    if version not in there:
        raise UnknownModel(f"{name}/{version}", "version", there)
    past = [v for v in _history(model, alias) if v != version]
    _point(name, alias, [*past, version])


def rollback(name: str, alias: str = CHAMPION) -> str:
    """Move an alias back to the version it pointed to before; return that version.

    Raises:
        UnknownModel: there is no such model, or no version to go back to.
    """
    model = _registered(name)
    there = _numbers(versions(name))
    past = [v for v in _history(model, alias)[:-1] if v in there]
    if not past:
        raise UnknownModel(f"{name}@{alias}", "version to go back to", [])
    _point(name, alias, past)
    return past[-1]


def versions(name: str) -> list[ModelVersion]:
    """Return all versions of a model, newest first."""
    client, found, token = mlflow.MlflowClient(), [], None
    while True:
        page = client.search_model_versions(_named(name), page_token=token)
        found += [version for version in page if version.name == name]
        token = page.token
        if not token:
            break
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def _named(name: str) -> str:
    """Return a filter that a model's versions pass; those of others may do so too.

    MLflow's filters have no escape for a quote. Where a name has both kinds, a pattern
    takes their place, in which ``_`` is any character.
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
    """Return every version of one model, or of all, newest first.

    Of all, one whose versions cannot be read is left out, with a warning.

    Raises:
        UnknownModel: there is no model of that name.
    """
    if name:
        return _rows(_registered(name))
    rows = []
    for model in _all_registered():
        try:
            rows += _rows(model)
        except (MlflowException, ValueError) as error:
            _all_registered()  # it fails where it is the registry that is away
            reason = first_line(error)
            log.warning("model %r is left out: %s", model.name, reason)
    return rows


def _rows(model: RegisteredModel) -> list[ModelRow]:
    rows, aliases = [], _aliases(model)
    for version in versions(model.name):
        number, tags = str(version.version), dict(version.tags)
        pointing = tuple(sorted(a for a, v in aliases.items() if v == number))
        rows.append(ModelRow(model.name, number, pointing, _metrics(tags), tags))
    return rows


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers in the tag ``metrics``; anybody may have written it."""
    plain = _read_json(tags.get("metrics", "{}"))
    numbers = plain.items() if isinstance(plain, dict) else ()
    return {key: float(value) for key, value in numbers if _is_number(value)}


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _read_json(text: str) -> object:
    """Return what a tag holds; None where that is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def find_version(reference: str) -> ModelVersion:
    """Return the version that ``name``, ``name@alias`` or ``name/version`` means.

    A bare name is its champion, or its newest version while there is none.

    Raises:
        UnknownModel: there is no such model, alias or version; those there are, are
            listed.
    """
    parts = REFERENCE.fullmatch(reference)
    if parts is None:
        form = "model: write name, name@alias, name/version or a model folder"
        raise UnknownModel(reference, form, [])
    name, alias, number = parts.groups()
    aliases = _aliases(_registered(name))
    there = {str(version.version): version for version in versions(name)}
    if alias and alias not in aliases:
        raise UnknownModel(reference, "alias", aliases)
    newest = next(iter(there), "")
    wanted = number or aliases.get(alias or CHAMPION, newest)
    if wanted not in there:
        raise UnknownModel(reference, "version", there)
    return there[wanted]


def champion_of(name: str, alias: str) -> ModelVersion | None:
    """Return the version an alias points to, None while there is none."""
    try:
        return find_version(f"{name}@{alias}")
    except UnknownModel:
        return None


def _registered(name: str) -> RegisteredModel:
    try:
        return mlflow.MlflowClient().get_registered_model(name)
    except MlflowException as error:
        missing = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
        if error.error_code not in missing:
            raise
        known = [model.name for model in _all_registered()]
        raise UnknownModel(name, "registered model", known) from None


def _all_registered() -> list[RegisteredModel]:
    client, found, token = mlflow.MlflowClient(), [], None
    while True:
        page = client.search_registered_models(page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _numbers(found: list[ModelVersion]) -> list[str]:
    return [str(version.version) for version in found]


def _aliases(model: RegisteredModel) -> dict[str, str]:
    return {alias: str(version) for alias, version in model.aliases.items()}


def _history(model: RegisteredModel, alias: str) -> list[str]:
    """Return the versions an alias has pointed to, oldest first, today's last."""
    plain = _read_json(model.tags.get(f"history.{alias}", "[]"))
    past = [v for v in plain if isinstance(v, str)] if isinstance(plain, list) else []
    now = _aliases(model).get(alias)
    if now is not None and (not past or past[-1] != now):
        past = [*(v for v in past if v != now), now]  # moved by somebody else
    return past


def _point(name: str, alias: str, history: list[str]) -> None:
    client = mlflow.MlflowClient()
    client.set_registered_model_alias(name, alias, history[-1])
    client.set_registered_model_tag(name, f"history.{alias}", json.dumps(history[-50:]))
