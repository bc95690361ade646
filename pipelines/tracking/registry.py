"""Model registry: registration, description, listing and lookup of versions."""

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import mlflow
from mlflow.entities import LoggedModel
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from forecasting.errors import SettingError
from model_registry import aliases
from model_registry.aliases import current_aliases
from model_registry.errors import UnknownModel
from model_registry.search import (
    all_registered,
    find_registered,
    model_versions,
    newest_versions,
    read_metrics,
)
from pipelines.config.aliases import CHAMPION, check_alias
from pipelines.tracking.access import first_line
from pipelines.tracking.runs import quiet_mlflow

MARK = "<!-- written by recast -->"  # a description of a user's is left alone
TASK_TAG = "task"  # of a version; a forecaster has none
FORECAST = "forecast"
log = logging.getLogger(__name__)
REFERENCE = re.compile(r"([^@/]+)(?:@([^@/]+)|/([^@/]+))?")


def register(name: str, logged: LoggedModel, run_id: str, tags: dict[str, str]) -> str:
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
    aliases.promote(name, version, check_alias(alias))


def rollback(name: str, alias: str = CHAMPION) -> str:
    """Move an alias back to the version it pointed to before; return that version.

    Raises:
        UnknownModel: there is no such model, or no version to go back to.
    """
    return aliases.rollback(name, alias).version


def tag_version(name: str, version: str, key: str, value: str) -> None:
    """Set a tag of a version."""
    mlflow.MlflowClient().set_model_version_tag(name, version, key, value)


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
    is_ours = not present or present.startswith(MARK)
    if is_ours and present != registered:
        client.update_registered_model(name, registered)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version of a registered model, for a listing."""

    name: str
    version: str
    aliases: tuple[str, ...]
    metrics: dict[str, float]
    tags: dict[str, str]

    @property
    def task(self) -> str:
        """Task of the version: ``forecast``, ``classify``, ``label`` or ``next``."""
        return task_of(self.tags)


def list_versions(name: str | None = None) -> list[ModelRow]:
    """Return every version of one model, or of all models, newest first.

    In a listing of all models, one with unreadable versions is left out with a warning.

    Raises:
        UnknownModel: there is no model of that name.
    """
    if name:
        return _model_rows(find_registered(name))
    rows = []
    for model in all_registered():
        try:
            rows += _model_rows(model)
        except (MlflowException, ValueError) as error:
            all_registered()  # raises if the whole registry does not answer
            reason = first_line(error)
            log.warning("model %r is left out: %s", model.name, reason)
    return rows


def _model_rows(model: RegisteredModel) -> list[ModelRow]:
    rows, targets = [], current_aliases(model)
    for version in model_versions(model.name):
        number, tags = str(version.version), dict(version.tags)
        pointing = tuple(sorted(a for a, v in targets.items() if v == number))
        rows.append(ModelRow(model.name, number, pointing, read_metrics(tags), tags))
    return rows


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
    targets = current_aliases(find_registered(name))
    versions = {str(version.version): version for version in model_versions(name)}
    if alias and alias not in targets:
        raise UnknownModel(reference, "alias", targets)
    newest = next(iter(versions), "")
    selected = number or targets.get(alias or CHAMPION, newest)
    if selected not in versions:
        raise UnknownModel(reference, "version", versions)
    return versions[selected]


def check_task(name: str, task: str) -> None:
    """Check that the versions of a registered model, if any, are of a task.

    Args:
        name: of the registered model.
        task: ``forecast``, ``classify``, ``label`` or ``next``.

    Raises:
        SettingError: its newest version is of another task.
    """
    newest = next(iter(newest_versions(name, 1)), None)
    if newest is None:
        return
    other = task_of(newest.tags)
    if other != task:
        expected = (
            f"another name (--name): the versions of {name} are of the task {other}, "
            f"not {task}"
        )
        raise SettingError("name", name, expected)


def task_of(tags: Mapping[str, str]) -> str:
    """Return the task of a version by its tags."""
    return tags.get(TASK_TAG, FORECAST)


def find_aliases(version: ModelVersion) -> list[str]:
    """Return the aliases that point to a version, by name."""
    targets = current_aliases(find_registered(version.name))
    return sorted(a for a, number in targets.items() if number == str(version.version))


def find_run_version(name: str, run_id: str) -> ModelVersion | None:
    """Return the version of a model that a run has registered; None for none."""
    return next((v for v in model_versions(name) if v.run_id == run_id), None)


def find_alias_target(name: str, alias: str) -> ModelVersion | None:
    """Return the version that an alias points to; None while there is none."""
    try:
        return find_version(f"{name}@{alias}")
    except UnknownModel:
        return None
