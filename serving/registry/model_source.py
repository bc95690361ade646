"""Versions of the registry: gateway, disk cache, loader and warm-up in this order.

Every call here blocks, for milliseconds or until a timeout: the service makes none of
them while it answers a request for a model in memory.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from serving.registry.disk_cache import DiskCache
from serving.registry.load_failures import load_errors
from serving.registry.loaded_model import AnyModel, load_model
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.snapshot import ModelSnapshot
from serving.registry.warm_up import warm_up


class ModelSource:
    """The registry, read through the disk cache.

    Args:
        registry: gateway.
        cache_dir: folder of the disk cache; empty for no cache.
        cache_bytes: maximum size of the cache.

    Attributes:
        cache: versions on disk; None without a folder.
    """

    def __init__(
        self, registry: MlflowRegistry, cache_dir: str = "", cache_bytes: int = 0
    ) -> None:
        self._registry = registry
        self.cache = (
            DiskCache(Path(cache_dir), registry.address, cache_bytes)
            if cache_dir
            else None
        )

    @property
    def is_configured(self) -> bool:
        """Whether there should be a registry: its address was set, or it answered."""
        return self._registry.is_configured

    def read(self) -> Mapping[str, ModelSnapshot]:
        """Return every registered model by name, and write them to the cache.

        Raises:
            RegistryDown: it does not answer.
        """
        registered = self._registry.read()
        if self.cache:
            self.cache.write_state(registered)
        return registered

    def read_cached(self) -> Mapping[str, ModelSnapshot] | None:
        """Return the last state of the registry from the cache, or None."""
        return self.cache.read_state() if self.cache else None

    def load(self, name: str, version: str, creation_time: int = 0) -> AnyModel:
        """Load a version from the cache or the registry, with a trial.

        Args:
            name: of the model.
            version: number.
            creation_time: milliseconds; a version in the cache must have the same.

        Raises:
            LoadError: it cannot be downloaded, or not be used.
            ForeignModel: it was made by something else.
        """
        with load_errors("it cannot be loaded"):  # a full disk, a folder without rights
            cache = self.cache
            cached = cache.find(name, version, creation_time) if cache else None
            if cached is not None:
                return _load_and_warm_up(name, version, *cached)
            with TemporaryDirectory(prefix="recast-") as path:
                folder = Path(path)
                tags = self._registry.download(name, version, folder)
                model = _load_and_warm_up(name, version, folder, tags)
                if cache:
                    cache.store(name, version, creation_time, folder, tags)
            return model


def _load_and_warm_up(
    name: str, version: str, folder: Path, tags: Mapping[str, str]
) -> AnyModel:
    model = load_model(name, version, folder, tags)
    warm_up(model)
    return model
