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
from serving.registry.load_failures import LoadError, LoadFailures
from serving.registry.loaded_model import AnyModel
from serving.registry.lru_cache import LruCache
from serving.registry.model_source import ModelSource
from serving.registry.snapshot import Key, ModelSnapshot, RegistryChange
from serving.schemas.forecast import ModelDetails
from serving.schemas.sequences import SequenceDetails

log = logging.getLogger(__name__)
LOAD_THREADS = 4  # versions loaded in parallel: a slow one does not delay the others
AliasKey = tuple[str, str]  # name and alias
AnyDetails = ModelDetails | SequenceDetails


class ModelStore:
    """The versions in memory and the version that answers for each alias.

    Args:
        source: loads the versions.
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
        source: ModelSource,
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
        self._source = source
        self._answering: dict[AliasKey, str] = {}
        self._details: dict[Key, AnyDetails] = {}
        self._loading: dict[Key, asyncio.Task[AnyModel]] = {}
        self._threads = ThreadPoolExecutor(LOAD_THREADS, "load")

    async def find(
        self, name: str, alias: str | None = None, version: str | None = None
    ) -> AnyModel:
        """Return the model for a request, loading it if it is not in memory.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel, UnknownAlias, UnknownVersion: it is not registered.
            ForeignVersion: something else than Recast made it.
            VersionUnusable: it cannot be loaded.
        """
        key = self._resolve(name, alias, version)
        model = await self._get_or_load(key)
        if version is None:
            self._answering.setdefault((name, alias or self.alias), model.version)
        return model

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

    def is_forecaster(self, name: str) -> bool:
        """Return whether the version under the service's alias forecasts.

        So does one that has not been loaded yet, as far as is known.
        """
        entry = (self.registered or {}).get(name)
        number = entry.aliases.get(self.alias, "") if entry else ""
        number = self._answering.get((name, self.alias), number)
        details = self._details.get((name, number))
        return details is None or details.task == "forecast"

    def describe(self, name: str, version: str, alias: str | None) -> AnyDetails:
        """Return the description of a version that has been loaded before.

        Args:
            name: of the model.
            version: number.
            alias: of the request; None if it named a version.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel: the model has been removed meanwhile.
        """
        entry = self._entry(name)
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
        self._drop_removed(RegistryChange(previous, registered))
        moved = [
            (name, alias, version)
            for name, alias, version in self._watched_aliases()
            if self._answering.get((name, alias)) != version
        ]
        await asyncio.gather(*(self._swap(*alias) for alias in moved))

    def creation_time(self, name: str, version: str) -> int:
        """Return the creation time of a version in milliseconds.

        Raises:
            LoadError: it is not registered.
        """
        entry = (self.registered or {}).get(name)
        if entry is None or version not in entry.versions:
            raise LoadError("an alias points to it, and the registry has it no more")
        return entry.creation_times.get(version, 0)

    def close(self) -> None:
        """Stop loading."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check_registered(self, name: str) -> None:
        """Check that a model is registered.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel: it is not.
        """
        self._entry(name)

    def _entry(self, name: str) -> ModelSnapshot:
        """Return a registered model.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel: it is not registered.
        """
        if self.registered is None:
            raise NotReady
        if name not in self.registered:
            raise UnknownModel(name, sorted(self.registered))
        return self.registered[name]

    def _resolve(self, name: str, alias: str | None, version: str | None) -> Key:
        """Return name and version of the model that answers a request.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel, UnknownAlias, UnknownVersion: it is not registered.
        """
        entry = self._entry(name)
        if version is not None:
            if version not in entry.versions:
                raise UnknownVersion(name, version, entry.versions)
            return name, version
        alias = alias or self.alias
        if alias not in entry.aliases:
            raise UnknownAlias(name, alias, sorted(entry.aliases))
        return name, self._answering.get((name, alias), entry.aliases[alias])

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
            await self._get_or_load((name, version))
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

    async def _get_or_load(self, key: Key) -> AnyModel:
        """Return a version, loading it if needed; concurrent calls share one load."""
        model = self.loaded.get(key)
        if model is not None:
            return model
        self.failures.check(key)
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._load(key))
        return await asyncio.shield(task)

    async def _load(self, key: Key) -> AnyModel:
        loop = asyncio.get_running_loop()
        try:
            model = await loop.run_in_executor(
                self._threads, self._source.load, *key, self.creation_time(*key)
            )
        except LoadError as error:
            raise self.failures.add(key, error) from error
        finally:
            del self._loading[key]
        self.failures.discard(key)
        self.loaded[key] = model
        self._details[key] = model.details
        return model

    def _drop_removed(self, change: RegistryChange) -> None:
        """Drop versions that were removed or replaced under their number."""
        for (name, alias), version in list(self._answering.items()):
            entry = change.after.get(name)
            removed = entry is None or alias not in entry.aliases
            if removed or not change.still_registered((name, version)):
                del self._answering[name, alias]
                fields = {"model": name, "alias": alias}
                log.info("model no longer answers", extra={"fields": fields})
        self.failures.drop_removed(change)
        for versions in (self.loaded, self._details):
            for key in list(versions):
                if not change.still_registered(key):
                    del versions[key]
