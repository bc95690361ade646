"""The models the service holds: which version answers, and how a new one takes over.

An alias keeps answering with the last version that was good. When the registry points
it to another, that one is loaded and tried beside the old one and takes over in one
assignment; a request that has begun keeps the model it began with. All state changes
on the event loop; only downloading and loading run in threads.
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
from serving.registry.snapshot import ModelSnapshot, same_version
from serving.schemas.forecast import ModelDetails

log = logging.getLogger(__name__)


LOADS = 4  # versions loaded at the same time: a slow one delays no other


Asked = tuple[str, str]  # name and alias


class ModelStore:
    """Knows which versions answer, and loads them.

    Args:
        registry: where versions come from.
        alias: the alias that every registered model is held ready for.
        most: versions in memory; the least recently used leaves first.
        most_bytes: of them together; a single version may have more.
        count_failure: called with a model's name when a version of it is refused.

    Attributes:
        registered: the registry as last read; None before it first answered.
        refused: versions that could not be loaded.
        held: versions in memory.
        moving: versions that are being loaded to take over, by name and alias.
    """

    def __init__(
        self,
        registry: MlflowRegistry,
        alias: str,
        most: int,
        most_bytes: float = math.inf,
        count_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.alias = alias
        self.registered: Mapping[str, ModelSnapshot] | None = None
        self.refused, self.held = (
            LoadFailures(count_failure),
            LruCache(most, most_bytes),
        )
        self.moving: dict[Asked, str] = {}
        self._registry = registry
        self._answering: dict[Asked, str] = {}
        self._details: dict[Key, ModelDetails] = {}
        self._loading: dict[Key, asyncio.Task[LoadedModel]] = {}
        self._threads = ThreadPoolExecutor(LOADS, "load")

    async def find(
        self, name: str, alias: str | None = None, version: str | None = None
    ) -> LoadedModel:
        """Return the model for a request, loading it if it is not held.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel, UnknownAlias, UnknownVersion: there is no such thing.
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
            return await self._hold(name, version)
        alias = alias or self.alias
        if alias not in entry.aliases:
            raise UnknownAlias(name, alias, sorted(entry.aliases))
        answering = self._answering.get((name, alias))
        model = await self._hold(name, answering or entry.aliases[alias])
        self._answering.setdefault((name, alias), model.version)
        return model

    def at_hand(
        self, name: str, alias: str | None = None, version: str | None = None
    ) -> LoadedModel | None:
        """Return the model that `find` would, if there is nothing to wait for."""
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
        return self.held.use((name, version))

    def answering(self) -> dict[str, str]:
        """Return the version that answers for each model under the service's alias."""
        pairs = self._answering.items()
        return {name: number for (name, alias), number in pairs if alias == self.alias}

    def offered(self) -> list[str]:
        """Return the models under the service's alias that may be ours."""
        registered = sorted((self.registered or {}).items())
        return [
            name
            for name, entry in registered
            if self.alias in entry.aliases
            and not self.refused.is_foreign((name, entry.aliases[self.alias]))
        ]

    def describe(self, name: str, version: str, alias: str | None) -> ModelDetails:
        """Return what there is to say of a version that has been loaded once.

        Args:
            name: of the model.
            version: number.
            alias: that it was asked by.

        Raises:
            UnknownModel: it has been removed meanwhile.
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

    def troubles(self) -> list[tuple[Key, str]]:
        """Return the refused versions that should be answering, and why they do not."""
        wanted = {(name, version) for name, _, version in self._followed()}
        return [
            (key, refusal.reason)
            for key, refusal in self.refused.items()
            if key in wanted and not refusal.foreign
        ]

    async def follow(self, registered: Mapping[str, ModelSnapshot]) -> None:
        """Take over what the registry says now.

        What is gone stops answering at once. Aliases that moved are followed: the
        service's own on every model, others once somebody has asked for them. They
        move side by side; one that is moving already is not waited for.
        """
        before, self.registered = self.registered or {}, registered
        self._forget_what_is_gone(before, registered)
        answering = self._answering
        moved = [one for one in self._followed() if answering.get(one[:2]) != one[2]]
        await asyncio.gather(*(self._move(*one) for one in moved))

    def retry(self) -> None:
        """Try refused versions again at once: the registry was away, and answers."""
        self.refused.retry()

    def close(self) -> None:
        """Stop loading."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _followed(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, alias and version of every alias that somebody relies on."""
        for name, entry in (self.registered or {}).items():
            for alias, version in entry.aliases.items():
                if alias == self.alias or (name, alias) in self._answering:
                    yield name, alias, version

    async def _move(self, name: str, alias: str, version: str) -> None:
        key = (name, alias)
        before = self._answering.get(key)
        if version in (before, self.moving.get(key)):
            return
        self.moving[key] = version
        try:
            await self._hold(name, version)
        except (ForeignVersion, VersionUnusable):
            return  # the refusal has been logged; the last good version stays
        finally:
            if self.moving.get(key) == version:
                del self.moving[key]
        entry = (self.registered or {}).get(name)
        if entry is None or entry.aliases.get(alias) != version:
            return  # the alias has moved on meanwhile
        self._answering[key] = version
        fields = {"model": name, "alias": alias, "version": version, "before": before}
        log.info("model answers", extra={"fields": fields})

    async def _hold(self, name: str, version: str) -> LoadedModel:
        """Return a version, loading it if need be; who asks meanwhile waits with us."""
        key = (name, version)
        model = self.held.use(key)
        if model is not None:
            return model
        self.refused.check(key)
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._load(name, version))
        return await asyncio.shield(task)

    async def _load(self, name: str, version: str) -> LoadedModel:
        key = (name, version)
        try:
            model = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._registry.load, name, version, self._made(key)
            )
        except LoadError as error:
            raise self.refused.add(key, error) from error
        finally:
            del self._loading[key]
        self.refused.lift(key)
        self.held.add(key, model)
        self._details[key] = model.details
        return model

    def _made(self, key: Key) -> int:
        """Return when a version was made.

        Raises:
            Unloadable: it is not registered.
        """
        name, version = key
        entry = (self.registered or {}).get(name)
        if entry is None or version not in entry.versions:
            raise LoadError("an alias points to it, and the registry has it no more")
        return entry.made.get(version, 0)

    def _forget_what_is_gone(
        self, before: Mapping[str, ModelSnapshot], now: Mapping[str, ModelSnapshot]
    ) -> None:
        """Forget what is registered no more, or is another version with its number."""
        for (name, alias), version in list(self._answering.items()):
            gone = name not in now or alias not in now[name].aliases
            if gone or not same_version(name, version, before, now):
                del self._answering[name, alias]
                fields = {"model": name, "alias": alias}
                log.info("model no longer answers", extra={"fields": fields})
        self.refused.forget(before, now)
        for known in (self.held, self._details):
            for name, version in list(known):
                if not same_version(name, version, before, now):
                    del known[name, version]
