"""Iteration over all models and versions of a registry, page by page."""

import re
from collections.abc import Iterator

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel


def iterate_models(client: MlflowClient) -> Iterator[RegisteredModel]:
    """Yield every registered model."""
    token = None
    while True:
        page = client.search_registered_models(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def iterate_versions(client: MlflowClient, name: str) -> Iterator[ModelVersion]:
    """Yield every version of a model."""
    token = None
    while True:
        page = client.search_model_versions(_name_filter(name), page_token=token)
        yield from (version for version in page if version.name == name)
        token = page.token
        if not token:
            return


def _name_filter(name: str) -> str:
    """Return a search filter for a model's versions; other models may match too.

    MLflow's filters have no escape for a quote. Where a name has both kinds, a pattern
    takes their place, in which ``_`` is any character.
    """
    quote = '"' if "'" in name else "'"
    if quote not in name:
        return f"name = {quote}{name}{quote}"
    pattern = re.sub(r"[^\w ]", "_", name)
    return f"name LIKE '{pattern}'"
