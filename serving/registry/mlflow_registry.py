"""Read-only gateway to the MLflow registry, which may be away.

Every call here blocks, for milliseconds or until a timeout: the service makes none of
them while it answers a request for a model in memory.
"""

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlparse

import mlflow
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import make_url

from serving.masking import first_line, mask
from serving.registry.disk_cache import DiskCache
from serving.registry.listing import iterate_models, iterate_versions
from serving.registry.loaded_model import (
    ForeignModel,
    LoadedModel,
    LoadError,
    load_with_trial,
)
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

    Args:
        cache_dir: folder of the disk cache; empty for no cache.
        cache_bytes: maximum size of the cache.

    Attributes:
        uri: tracking URI.
        cache: versions on disk; None without a folder.
    """

    def __init__(self, cache_dir: str = "", cache_bytes: int = 0) -> None:
        self.uri = str(mlflow.get_tracking_uri())
        is_sqlite = self.uri.startswith("sqlite")
        defaults = ENVIRONMENT_DEFAULTS | (SQLITE_DEFAULTS if is_sqlite else {})
        for name, value in defaults.items():
            os.environ.setdefault(name, value)
        database = make_url(self.uri).database if is_sqlite else None
        self._database = Path(database) if database else None
        self._snapshots: dict[str, ModelSnapshot] = {}
        self._unreadable: set[str] = set()
        address = str(self._database.resolve()) if self._database else self.uri
        self.cache = (
            DiskCache(Path(cache_dir), address, cache_bytes) if cache_dir else None
        )

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
            self._check_database()
            client = mlflow.MlflowClient()
            snapshots = self._read_models(client, list(iterate_models(client)))
        except Exception as error:  # whatever MLflow, a driver or a socket may raise
            raise RegistryDown(first_line(error)) from error
        self._snapshots = snapshots
        if self.cache:
            self.cache.write_state(snapshots)
        return snapshots

    def read_cached(self) -> dict[str, ModelSnapshot] | None:
        """Return the last state of the registry from the cache, or None."""
        return self.cache.read_state() if self.cache else None

    def load(self, name: str, version: str, creation_time: int = 0) -> LoadedModel:
        """Load a version from the cache or the registry, with a trial forecast.

        Args:
            name: of the model.
            version: number.
            creation_time: milliseconds; a version in the cache must have the same.

        Raises:
            LoadError: it cannot be downloaded, or not be used.
            ForeignModel: it was made by something else.
        """
        try:
            return self._load(name, version, creation_time)
        except LoadError:
            raise
        except Exception as error:  # a full disk, a folder that nobody may write to
            log.debug("load failed", exc_info=True)
            raise LoadError("it cannot be loaded", error) from error

    def _load(self, name: str, version: str, creation_time: int) -> LoadedModel:
        cache = self.cache
        cached = cache.find(name, version, creation_time) if cache else None
        if cached is not None:
            return load_with_trial(name, version, *cached)
        with tempfile.TemporaryDirectory(prefix="recast-") as folder:
            tags = self._download(name, version, folder)
            model = load_with_trial(name, version, Path(folder), tags)
            if cache:
                cache.store(name, version, creation_time, Path(folder), tags)
        return model

    def _download(self, name: str, version: str, folder: str) -> Mapping[str, str]:
        """Download a version's files into a folder and return its tags."""
        uri = f"models:/{name}/{version}"
        if urlparse(uri, allow_fragments=False).path != f"/{name}/{version}":
            raise LoadError("a models:/ URI cannot hold its name; choose another name")
        try:
            self._check_database()
            tags = mlflow.MlflowClient().get_model_version(name, version).tags
            pyfunc = mlflow.models.get_model_info(uri).flavors.get(
                "python_function", {}
            )
            if pyfunc.get("loader_module") == LOADER_MODULE:
                mlflow.artifacts.download_artifacts(uri, dst_path=folder)
        except Exception as error:  # whatever MLflow, a driver or a socket may raise
            log.debug("download failed", exc_info=True)
            raise LoadError("the registry did not deliver it", error) from error
        if pyfunc.get("loader_module") != LOADER_MODULE:
            raise ForeignModel("it is no model of Recast")
        return dict(tags)

    def _read_models(
        self, client: mlflow.MlflowClient, models: Iterable[RegisteredModel]
    ) -> dict[str, ModelSnapshot]:
        """Return the models by name; an unreadable model does not affect the others."""
        snapshots: dict[str, ModelSnapshot] = {}
        unreadable: set[str] = set()
        for model in models:
            entry = self._snapshots.get(model.name)
            try:
                entry = self._read_model(client, model)
            except Exception as error:  # whatever MLflow or a driver may raise
                client.search_registered_models(max_results=1)  # it fails when away
                unreadable.add(model.name)
                if model.name not in self._unreadable:
                    fields = {"model": model.name, "reason": first_line(error)}
                    log.warning("model cannot be read", extra={"fields": fields})
            if entry is not None:
                snapshots[model.name] = entry
        self._unreadable = unreadable
        return snapshots

    def _read_model(
        self, client: mlflow.MlflowClient, model: RegisteredModel
    ) -> ModelSnapshot:
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
            for version in iterate_versions(client, model.name)
        }
        newest_first = tuple(sorted(creation_times, key=int, reverse=True))
        return ModelSnapshot(aliases, newest_first, changed, creation_times)

    def _check_database(self) -> None:
        """Refuse a missing SQLite file: MLflow would create an empty one."""
        if self._database is not None and not self._database.is_file():
            raise MlflowException(f"there is no file {self._database}")
