"""Loaded models, the version that answers for each alias, and the swap of versions.

An alias keeps answering with its last good version. When the registry points it to
another, that version is loaded and tested beside the old one and takes over in one
assignment; a running request keeps the model it started with. All state changes on the
event loop; only downloading and loading run in threads.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from serving.errors import (
    ForeignVersion,
    NotReady,
    UnknownAlias,
    UnknownModel,
    UnknownVersion,
    VersionUnusable,
)
from serving.registry.load_failures import LoadFailures
from serving.registry.loaded_model import LoadedModel, LoadError
from serving.registry.lru_cache import Key, LruCache
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.snapshot import ModelSnapshot, is_same_version
from serving.schemas.forecast import ModelDetails

log = logging.getLogger(__name__)
LOAD_THREADS = 4  # versions loaded in parallel: a slow one does not delay the others
AliasKey = tuple[str, str]  # name and alias


class ModelStore:
    """The versions in memory and the version that answers for each alias.

    Args:
        registry: source of the versions.
        alias: the alias that is loaded in advance for every registered model.
        max_models: versions in memory; the least recently used leaves first.
        max_bytes: of them together; a single version may have more.
        count_failure: called with a model's name when a version of it is refused.

    Attributes:
        registered: the registry as last read; None before it first answered.
        failures: versions that could not be loaded.
        loaded: versions in memory.
        pending_swaps: versions that are being loaded to take over, by name and alias.
    """

    def __init__(
        self,
        registry: MlflowRegistry,
        alias: str,
        max_models: int,
        max_bytes: float = math.inf,
        count_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.alias = alias
        self.registered: Mapping[str, ModelSnapshot] | None = None
        self.failures = LoadFailures(count_failure)
        self.loaded = LruCache(max_models, max_bytes)
        self.pending_swaps: dict[AliasKey, str] = {}
        self._registry = registry
        self._answering: dict[AliasKey, str] = {}
        self._details: dict[Key, ModelDetails] = {}
        self._loading: dict[Key, asyncio.Task[LoadedModel]] = {}
        self._threads = ThreadPoolExecutor(LOAD_THREADS, "load")

    async def find(
        self, name: str, alias: str | None = None, version: str | None = None
    ) -> LoadedModel:
        """Return the model for a request, loading it if it is not in memory.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel, UnknownAlias, UnknownVersion: it is not registered.
            ForeignVersion: something else than Recast made it.
            VersionUnusable: it cannot be loaded.
        """
        if self.registered is None:
            raise NotReady
        entry = self.registered.get(name)
        if entry is None:
            raise UnknownModel(name, sorted(self.registered))
        if version is not None:
            if version not in entry.versions:
                raise UnknownVersion(name, version, entry.versions)
            return await self._get_or_load(name, version)
        alias = alias or self.alias
        if alias not in entry.aliases:
            raise UnknownAlias(name, alias, sorted(entry.aliases))
        answering = self._answering.get((name, alias))
        model = await self._get_or_load(name, answering or entry.aliases[alias])
        self._answering.setdefault((name, alias), model.version)
        return model

    def find_loaded(
        self, name: str, alias: str | None = None, version: str | None = None
    ) -> LoadedModel | None:
        """Return the model that `find` would, or None if that would have to wait."""
        entry = (self.registered or {}).get(name)
        if entry is None:
            return None
        if version is None:
            alias = alias or self.alias
            version = self._answering.get((name, alias), "")
            if alias not in entry.aliases:
                return None
        elif version not in entry.versions:
            return None
        return self.loaded.use((name, version))

    def answering(self) -> dict[str, str]:
        """Return the version that answers for each model under the service's alias."""
        pairs = self._answering.items()
        return {name: number for (name, alias), number in pairs if alias == self.alias}

    def list_servable(self) -> list[str]:
        """Return the models with the service's alias, without foreign ones."""
        registered = sorted((self.registered or {}).items())
        return [
            name
            for name, entry in registered
            if self.alias in entry.aliases
            and not self.failures.is_foreign((name, entry.aliases[self.alias]))
        ]

    def describe(self, name: str, version: str, alias: str | None) -> ModelDetails:
        """Return the description of a version that has been loaded before.

        Args:
            name: of the model.
            version: number.
            alias: of the request; None if it named a version.

        Raises:
            UnknownModel: the model has been removed meanwhile.
        """
        registered = self.registered or {}
        if name not in registered:
            raise UnknownModel(name, sorted(registered))
        entry = registered[name]
        return self._details[name, version].model_copy(
            update={
                "alias": alias,
                "aliases": sorted(a for a, v in entry.aliases.items() if v == version),
                "latest": entry.versions[:1] == (version,),
            }
        )

    def list_failures(self) -> list[tuple[Key, str]]:
        """Return the refused versions of watched aliases, with the reasons."""
        versions = {(name, version) for name, _, version in self._watched_aliases()}
        return [
            (key, failure.reason)
            for key, failure in self.failures.items()
            if key in versions and not failure.foreign
        ]

    async def follow(self, registered: Mapping[str, ModelSnapshot]) -> None:
        """Apply a new state of the registry and swap the versions of moved aliases.

        Removed models, aliases and versions stop answering at once. Watched aliases are
        the service's alias on every model, and others after their first request. Swaps
        run concurrently; a swap that is already pending is not awaited.
        """
        previous, self.registered = self.registered or {}, registered
        self._drop_removed(previous, registered)
        moved = [
            (name, alias, version)
            for name, alias, version in self._watched_aliases()
            if self._answering.get((name, alias)) != version
        ]
        await asyncio.gather(*(self._swap(*alias) for alias in moved))

    def retry(self) -> None:
        """Allow the next try of refused versions at once, after a registry outage."""
        self.failures.retry()

    def close(self) -> None:
        """Stop loading."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _watched_aliases(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, alias and version of the service's alias and those in use."""
        for name, entry in (self.registered or {}).items():
            for alias, version in entry.aliases.items():
                if alias == self.alias or (name, alias) in self._answering:
                    yield name, alias, version

    async def _swap(self, name: str, alias: str, version: str) -> None:
        key = (name, alias)
        before = self._answering.get(key)
        if version in (before, self.pending_swaps.get(key)):
            return
        self.pending_swaps[key] = version
        try:
            await self._get_or_load(name, version)
        except (ForeignVersion, VersionUnusable):
            return  # the failure has been logged; the last good version stays
        finally:
            if self.pending_swaps.get(key) == version:
                del self.pending_swaps[key]
        entry = (self.registered or {}).get(name)
        if entry is None or entry.aliases.get(alias) != version:
            return  # the alias has moved on meanwhile
        self._answering[key] = version
        fields = {"model": name, "alias": alias, "version": version, "before": before}
        log.info("model answers", extra={"fields": fields})

    async def _get_or_load(self, name: str, version: str) -> LoadedModel:
        """Return a version, loading it if needed; concurrent calls share one load."""
        key = (name, version)
        model = self.loaded.use(key)
        if model is not None:
            return model
        self.failures.check(key)
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._load(name, version))
        return await asyncio.shield(task)

    async def _load(self, name: str, version: str) -> LoadedModel:
        key = (name, version)
        try:
            model = await asyncio.get_running_loop().run_in_executor(
                self._threads,
                self._registry.load,
                name,
                version,
                self._creation_time(key),
            )
        except LoadError as error:
            raise self.failures.add(key, error) from error
        finally:
            del self._loading[key]
        self.failures.discard(key)
        self.loaded.add(key, model)
        self._details[key] = model.details
        return model

    def _creation_time(self, key: Key) -> int:
        """Return the creation time of a version in milliseconds.

        Raises:
            LoadError: it is not registered.
        """
        name, version = key
        entry = (self.registered or {}).get(name)
        if entry is None or version not in entry.versions:
            raise LoadError("an alias points to it, and the registry has it no more")
        return entry.creation_times.get(version, 0)

    def _drop_removed(
        self,
        previous: Mapping[str, ModelSnapshot],
        current: Mapping[str, ModelSnapshot],
    ) -> None:
        """Drop versions that were removed or replaced under their number."""
        for (name, alias), version in list(self._answering.items()):
            removed = name not in current or alias not in current[name].aliases
            if removed or not is_same_version(name, version, previous, current):
                del self._answering[name, alias]
                fields = {"model": name, "alias": alias}
                log.info("model no longer answers", extra={"fields": fields})
        self.failures.drop_removed(previous, current)
        for versions in (self.loaded, self._details):
            for name, version in list(versions):
                if not is_same_version(name, version, previous, current):
                    del versions[name, version]
