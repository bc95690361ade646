"""The MLflow registry, as the service sees it: read only, and it may be away.

Every call here blocks, for milliseconds or until a timeout: the service makes none of
them while it answers a request for a model that it holds.
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
from serving.registry.listing import every_model, every_version
from serving.registry.loaded_model import ForeignModel, LoadedModel, LoadError, _try
from serving.registry.snapshot import ModelSnapshot

# Answers within seconds or not at all, so that a registry that is away is soon seen to
# be; the service asks again by itself. What the user has set wins.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


# A new connection for each call: a database file may be replaced by another.
SQLITE_DEFAULTS = {"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}


log = logging.getLogger(__name__)


LOADER = "forecasting.pyfunc"  # what MLflow loads our models with


class RegistryDown(Exception):
    """The registry does not answer."""


class MlflowRegistry:
    """Reads what is registered; the tracking URI is MLflow's.

    Args:
        cache_dir: where versions are kept on disk; none are without it.
        cache_bytes: how much of the disk they may take.

    Attributes:
        uri: where it is.
        cache: what is kept on disk; None without a folder.
    """

    def __init__(self, cache_dir: str = "", cache_bytes: int = 0) -> None:
        self.uri = str(mlflow.get_tracking_uri())
        is_file = self.uri.startswith("sqlite")
        for name, value in (DEFAULTS | (SQLITE_DEFAULTS if is_file else {})).items():
            os.environ.setdefault(name, value)
        database = make_url(self.uri).database if is_file else None
        self._file = Path(database) if database else None
        self._known: dict[str, ModelSnapshot] = {}
        self._unreadable: set[str] = set()
        whole = str(self._file.resolve()) if self._file else self.uri
        self.cache = (
            DiskCache(Path(cache_dir), whole, cache_bytes) if cache_dir else None
        )

    @property
    def shown_uri(self) -> str:
        """The URI without user and password."""
        return mask(self.uri)

    def read(self) -> dict[str, ModelSnapshot]:
        """Return every registered model by name.

        A model that cannot be read is as it was last; one never read is left out.

        Raises:
            RegistryDown: it does not answer.
        """
        try:
            self._check_file()
            client = mlflow.MlflowClient()
            known = self._describe_all(client, list(every_model(client)))
        except Exception as error:  # whatever MLflow, a driver or a socket may raise
            raise RegistryDown(first_line(error)) from error
        self._known = known
        if self.cache:
            self.cache.remember(known)
        return known

    def recall(self) -> dict[str, ModelSnapshot] | None:
        """Return what the registry said last, as the cache has it; None without it."""
        return self.cache.recall() if self.cache else None

    def load(self, name: str, version: str, made: int = 0) -> LoadedModel:
        """Load a version, from the cache or the registry, and see that it forecasts.

        Args:
            name: of the model.
            version: number.
            made: when it was made; a version in the cache must be of that time.

        Raises:
            Unloadable: it cannot be had, or not be used.
            Foreign: it was made by something else.
        """
        try:
            return self._load(name, version, made)
        except LoadError:
            raise
        except Exception as error:  # a full disk, a folder that nobody may write to
            log.debug("load failed", exc_info=True)
            raise LoadError("it cannot be loaded", error) from error

    def _load(self, name: str, version: str, made: int) -> LoadedModel:
        found = self.cache.find(name, version, made) if self.cache else None
        if found is not None:
            return _try(name, version, *found)
        with tempfile.TemporaryDirectory(prefix="recast-") as folder:
            tags = self._download(name, version, folder)
            model = _try(name, version, Path(folder), tags)
            if self.cache:
                self.cache.keep(name, version, made, Path(folder), tags)
        return model

    def _download(self, name: str, version: str, folder: str) -> Mapping[str, str]:
        """Put a version's files into a folder; return its tags."""
        uri = f"models:/{name}/{version}"
        if urlparse(uri, allow_fragments=False).path != f"/{name}/{version}":
            raise LoadError("a models:/ URI cannot hold its name; choose another name")
        try:
            self._check_file()
            tags = mlflow.MlflowClient().get_model_version(name, version).tags
            pyfunc = mlflow.models.get_model_info(uri).flavors.get(
                "python_function", {}
            )
            if pyfunc.get("loader_module") == LOADER:
                mlflow.artifacts.download_artifacts(uri, dst_path=folder)
        except Exception as error:  # whatever MLflow, a driver or a socket may raise
            log.debug("download failed", exc_info=True)
            raise LoadError("the registry did not deliver it", error) from error
        if pyfunc.get("loader_module") != LOADER:
            raise ForeignModel("it is no model of Recast")
        return dict(tags)

    def _describe_all(
        self, client: mlflow.MlflowClient, models: Iterable[RegisteredModel]
    ) -> dict[str, ModelSnapshot]:
        """Return the models by name; one that cannot be read costs no other."""
        known, unreadable = {}, set()
        for model in models:
            entry = self._known.get(model.name)
            try:
                entry = self._describe(client, model)
            except Exception as error:  # whatever MLflow or a driver may raise
                client.search_registered_models(max_results=1)  # it fails when away
                unreadable.add(model.name)
                if model.name not in self._unreadable:
                    fields = {"model": model.name, "reason": first_line(error)}
                    log.warning("model cannot be read", extra={"fields": fields})
            if entry is not None:
                known[model.name] = entry
        self._unreadable = unreadable
        return known

    def _describe(
        self, client: mlflow.MlflowClient, model: RegisteredModel
    ) -> ModelSnapshot:
        """Return one model; its versions are asked for only when it has changed."""
        aliases = {alias: str(v) for alias, v in model.aliases.items()}
        changed, known = model.last_updated_timestamp, self._known.get(model.name)
        if (
            known is not None
            and known.changed == changed
            and known.made.keys() >= set(aliases.values())
        ):
            return ModelSnapshot(aliases, known.versions, changed, known.made)
        found = every_version(client, model.name)
        made = {str(v.version): int(v.creation_timestamp or 0) for v in found}
        return ModelSnapshot(
            aliases, tuple(sorted(made, key=int, reverse=True)), changed, made
        )

    def _check_file(self) -> None:
        """Refuse a SQLite file that is not there: MLflow would make an empty one."""
        if self._file is not None and not self._file.is_file():
            raise MlflowException(f"there is no file {self._file}")
