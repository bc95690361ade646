"""Read-only gateway to the MLflow registry, which may be away. Every call blocks."""

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlparse

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import make_url

from model_registry.search import name_filter
from serving.masking import first_line, mask
from serving.registry.load_failures import ForeignModel, LoadError, load_errors
from serving.registry.snapshot import ModelSnapshot

# Short timeouts without retries: an outage is noticed within seconds, and the service
# polls again anyway. Variables that the user has set win.
ENVIRONMENT_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# A new connection for each call: a database file may be replaced by another.
SQLITE_DEFAULTS = {"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}
log = logging.getLogger(__name__)
LOADER_MODULE = "forecasting.pyfunc"  # the MLflow loader of Recast's models


class RegistryDown(Exception):
    """The registry does not answer."""


class MlflowRegistry:
    """Read access to the registry at MLflow's tracking URI.

    Attributes:
        uri: tracking URI.
        is_configured: whether the URI was set, or the default database has been seen.
        address: file of an SQLite registry, else its URI.
    """

    def __init__(self) -> None:
        self.uri = str(mlflow.get_tracking_uri())
        self.is_configured = bool(mlflow.is_tracking_uri_set())
        is_sqlite = self.uri.startswith("sqlite")
        defaults = ENVIRONMENT_DEFAULTS | (SQLITE_DEFAULTS if is_sqlite else {})
        for name, value in defaults.items():
            os.environ.setdefault(name, value)
        database = make_url(self.uri).database if is_sqlite else None
        self._database = Path(database) if database else None
        self._snapshots: dict[str, ModelSnapshot] = {}
        self._unreadable: set[str] = set()
        self.address = str(self._database.resolve()) if self._database else self.uri

    @property
    def shown_uri(self) -> str:
        """The URI without user and password."""
        return mask(self.uri)

    def read(self) -> dict[str, ModelSnapshot]:
        """Return every registered model by name.

        A model that cannot be read keeps its last snapshot, or is left out.

        Raises:
            RegistryDown: it does not answer.
        """
        try:
            self.check_database()
            snapshots = self._read_models(mlflow.search_registered_models())
        except Exception as error:  # whatever MLflow, a driver or a socket may raise
            raise RegistryDown(first_line(error)) from error
        self._snapshots, self.is_configured = snapshots, True
        return snapshots

    def download(self, name: str, version: str, folder: Path) -> Mapping[str, str]:
        """Download a version's files into a folder and return its tags.

        Raises:
            LoadError: its name fits in no URI, or the registry does not deliver it.
            ForeignModel: something else than Recast made it.
        """
        uri = f"models:/{name}/{version}"
        if urlparse(uri, allow_fragments=False).path != f"/{name}/{version}":
            raise LoadError("a models:/ URI cannot hold its name; choose another name")
        with load_errors("the registry did not deliver it"):
            self.check_database()
            tags = mlflow.MlflowClient().get_model_version(name, version).tags
            flavors = mlflow.models.get_model_info(uri).flavors
            if flavors.get("python_function", {}).get("loader_module") != LOADER_MODULE:
                raise ForeignModel("it is no model of Recast")
            mlflow.artifacts.download_artifacts(uri, dst_path=str(folder))
        return dict(tags)

    def _read_models(
        self, models: Iterable[RegisteredModel]
    ) -> dict[str, ModelSnapshot]:
        """Return the models by name; an unreadable model does not affect the others."""
        snapshots: dict[str, ModelSnapshot] = {}
        unreadable: set[str] = set()
        for model in models:
            entry = self._snapshots.get(model.name)
            try:
                entry = self._read_model(model)
            except Exception as error:  # whatever MLflow or a driver may raise
                mlflow.search_registered_models(max_results=1)  # it fails when away
                unreadable.add(model.name)
                if model.name not in self._unreadable:
                    fields = {"model": model.name, "reason": first_line(error)}
                    log.warning("model cannot be read", extra={"fields": fields})
            if entry is not None:
                snapshots[model.name] = entry
        self._unreadable = unreadable
        return snapshots

    def _read_model(self, model: RegisteredModel) -> ModelSnapshot:
        """Return one model; its versions are searched only after a change."""
        aliases = {alias: str(v) for alias, v in model.aliases.items()}
        changed, last = model.last_updated_timestamp, self._snapshots.get(model.name)
        if (
            last is not None
            and last.changed == changed
            and last.creation_times.keys() >= set(aliases.values())
        ):
            return ModelSnapshot(aliases, last.versions, changed, last.creation_times)
        creation_times = {
            str(version.version): int(version.creation_timestamp or 0)
            for version in mlflow.search_model_versions(
                filter_string=name_filter(model.name)
            )
            if version.name == model.name
        }
        newest_first = tuple(sorted(creation_times, key=int, reverse=True))
        return ModelSnapshot(aliases, newest_first, changed, creation_times)

    def check_database(self) -> None:
        """Refuse a missing SQLite file: MLflow would create an empty one."""
        if self._database is not None and not self._database.is_file():
            raise MlflowException(f"there is no file {self._database}")
