"""Promotion and rollback of the service's alias, as `recast promote` and `rollback`.

A version is loaded and tested before the alias moves to it. Then the registry is read
at once, so that this process answers with it; others follow at their next poll.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from model_registry import aliases
from model_registry.aliases import Move
from model_registry.errors import AliasMoved as MovedMeanwhile
from model_registry.errors import UnknownModel as NotRegistered
from serving.errors import AliasMoved, NothingBefore, UnknownVersion
from serving.operation.registry import RegistryCalls
from serving.operation.versions import Versions
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller
from serving.schemas.operation import AliasMove

LOCK_SECONDS = 10.0  # to wait for a training that competes for the alias
log = logging.getLogger(__name__)


class Moves:
    """Moves the service's alias, one request after the other.

    Args:
        calls: of the registry.
        models: loads the versions.
        poller: reads the registry after a move.
        versions: forgets those of the model.
    """

    def __init__(
        self,
        calls: RegistryCalls,
        models: ModelStore,
        poller: Poller,
        versions: Versions,
    ) -> None:
        self._calls, self._models, self._poller = calls, models, poller
        self._versions = versions
        self._lock = asyncio.Lock()

    async def promote(self, name: str, version: str, key: str | None) -> AliasMove:
        """Move the alias to a version.

        Args:
            name: of the model.
            version: number.
            key: name of the API key, for the log.

        Raises:
            UnknownModel, UnknownVersion: it is not registered.
            ForeignVersion, VersionUnusable: it cannot be loaded.
            AliasMoved: another process is moving the alias.
            RegistryAway, RegistryRefuses, TooBusy: as `RegistryCalls.run`.
        """
        async with self._lock:
            await self._load(name, version)
            move = partial(
                aliases.promote,
                name,
                version,
                self._models.alias,
                seconds=LOCK_SECONDS,
            )
            try:
                done = await self._run(name, move)
            except NotRegistered:
                raise UnknownVersion(name, version, ()) from None
            return await self._follow("alias promoted", name, done, key)

    async def rollback(self, name: str, key: str | None) -> AliasMove:
        """Move the alias back to the version it pointed to before.

        Args:
            name, key: as `promote`.

        Raises:
            NothingBefore: there is no such version.
            UnknownModel, ForeignVersion, VersionUnusable, AliasMoved, RegistryAway,
                RegistryRefuses, TooBusy: as `promote`.
        """
        alias = self._models.alias
        async with self._lock:
            self._models.check_registered(name)
            find = partial(aliases.previous_version, name, alias)
            try:
                version = await self._calls.run(find)
                await self._load(name, version)
                move = partial(
                    aliases.rollback, name, alias, to=version, seconds=LOCK_SECONDS
                )
                done = await self._run(name, move)
            except NotRegistered:
                raise NothingBefore(name, alias) from None
            return await self._follow("alias rolled back", name, done, key)

    async def _load(self, name: str, version: str) -> None:
        """Load a version; one that was registered a moment ago is looked up again."""
        try:
            await self._models.find(name, version=version)
        except UnknownVersion:
            await self._poller.refresh()
            await self._models.find(name, version=version)

    async def _run(self, name: str, move: Callable[[], Move]) -> Move:
        try:
            return await self._calls.run(move)
        except MovedMeanwhile:
            raise AliasMoved(name, self._models.alias) from None

    async def _follow(
        self, message: str, name: str, move: Move, key: str | None
    ) -> AliasMove:
        """Log a move, and answer with the version that the alias points to now."""
        alias = self._models.alias
        fields = {
            "model": name,
            "alias": alias,
            "version": move.version,
            "before": move.before,
            "key": key,
        }
        log.info(message, extra={"fields": fields})
        self._versions.forget(name)
        await self._poller.refresh()
        return AliasMove(
            name=name, alias=alias, version=move.version, before=move.before
        )
