"""Registered models and their versions, and the numbers in their tags."""

import json
import math
import re
from collections.abc import Mapping

import mlflow
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from model_registry.errors import UnknownModel

NEWEST_FIRST = ["version_number DESC"]


def model_versions(name: str) -> list[ModelVersion]:
    """Return all versions of a model, newest first."""
    client, versions, token = mlflow.MlflowClient(), [], None
    while True:
        page = client.search_model_versions(name_filter(name), page_token=token)
        versions += [version for version in page if version.name == name]
        token = page.token
        if not token:
            break
    return sorted(versions, key=lambda version: int(version.version), reverse=True)


def newest_versions(name: str, count: int) -> list[ModelVersion]:
    """Return the newest versions of a model by one call of the registry.

    Args:
        name: of the model.
        count: maximum number.
    """
    page = mlflow.MlflowClient().search_model_versions(
        name_filter(name), max_results=count, order_by=NEWEST_FIRST
    )
    versions = [version for version in page if version.name == name]
    return sorted(versions, key=lambda version: int(version.version), reverse=True)


def find_registered(name: str) -> RegisteredModel:
    """Return a registered model.

    Raises:
        UnknownModel: there is no model of that name.
    """
    try:
        return mlflow.MlflowClient().get_registered_model(name)
    except MlflowException as error:
        missing = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
        if error.error_code not in missing:
            raise
        existing = [model.name for model in all_registered()]
        raise UnknownModel(name, "registered model", existing) from None


def all_registered() -> list[RegisteredModel]:
    """Return all registered models."""
    client, models, token = mlflow.MlflowClient(), [], None
    while True:
        page = client.search_registered_models(page_token=token)
        models += page
        token = page.token
        if not token:
            return models


def name_filter(name: str) -> str:
    """Return a search filter for a model's versions; other models' may match too.

    MLflow's filters have no escape for a quote. A name with both kinds of quotes
    becomes a pattern, in which ``_`` is any character.
    """
    quote = '"' if "'" in name else "'"
    if quote not in name:
        return f"name = {quote}{name}{quote}"
    pattern = re.sub(r"[^\w ]", "_", name)
    return f"name LIKE '{pattern}'"


def read_metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers in the tag ``metrics``, which other programs may write too."""
    plain = read_json(tags.get("metrics", "{}"))
    numbers = plain.items() if isinstance(plain, dict) else ()
    return {key: float(value) for key, value in numbers if _is_number(value)}


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def read_json(text: str) -> object:
    """Parse the JSON of a tag; None if it is invalid."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
