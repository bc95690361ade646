"""The versions of a model with their tags: one call of the registry, remembered."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from cachetools import LRUCache, TTLCache
from mlflow.entities.model_registry import ModelVersion

from model_registry.addresses import is_server, version_address
from model_registry.search import newest_versions, read_metrics
from serving.errors import NotReady, RegistryAway, UnknownModel, shortened
from serving.operation.registry import RegistryCalls
from serving.registry.model_store import ModelStore
from serving.schemas.operation import VersionSummary

MAX_VERSIONS = 200  # newest first; an answer says how many there are
MAX_MODELS = 64  # whose versions are remembered
FRESH_SECONDS = 3.0  # in which the registry is not asked again
MAX_INTEGER = 2**53  # of a tag; JSON has no larger ones that every client reads


class Versions:
    """The versions of each model.

    Args:
        calls: of the registry.
        models: the registry's names and aliases as last read.
        mlflow_url: address of MLflow's pages; empty takes the registry's.
    """

    def __init__(
        self, calls: RegistryCalls, models: ModelStore, mlflow_url: str
    ) -> None:
        self._calls, self._models = calls, models
        self._server = mlflow_url or (calls.uri if is_server(calls.uri) else "")
        self._fresh: TTLCache[str, list[ModelVersion]] = TTLCache(
            MAX_MODELS, FRESH_SECONDS
        )
        self._last: LRUCache[str, list[ModelVersion]] = LRUCache(MAX_MODELS)

    async def newest(self, name: str) -> tuple[list[VersionSummary], bool]:
        """Return the newest versions of a model.

        Returns:
            The versions, and whether they are those of now: while the registry does not
            answer, they are the last known ones.

        Raises:
            NotReady: the registry has not answered yet.
            UnknownModel: there is no model of that name.
            RegistryRefuses, TooBusy: as `RegistryCalls.run`.
        """
        aliases = self._aliases(name)
        versions = self._fresh.get(name)
        if versions is None:
            try:
                search = partial(newest_versions, name, MAX_VERSIONS)
                versions = await self._calls.run(search)
            except RegistryAway:
                return self._describe(self._last.get(name, []), aliases), False
            self._fresh[name] = self._last[name] = versions
        return self._describe(versions, aliases), True

    def forget(self, name: str) -> None:
        """Ask the registry next time."""
        self._fresh.pop(name, None)

    def _aliases(self, name: str) -> Mapping[str, str]:
        registered = self._models.registered
        if registered is None:
            raise NotReady
        if name not in registered:
            raise UnknownModel(name, sorted(registered))
        return registered[name].aliases

    def _describe(
        self, versions: Sequence[ModelVersion], aliases: Mapping[str, str]
    ) -> list[VersionSummary]:
        return [_describe(version, aliases, self._server) for version in versions]


def _describe(
    version: ModelVersion, aliases: Mapping[str, str], server: str
) -> VersionSummary:
    """Return a version with those tags that a registration writes."""
    number, tags = str(version.version), dict(version.tags)
    return VersionSummary(
        version=number,
        aliases=sorted(alias for alias, v in aliases.items() if v == number),
        created=_format_time(version.creation_timestamp),
        trained_until=_text(tags, "trained_until"),
        rows=_integer(tags, "rows"),
        series=_integer(tags, "series"),
        seq_len=_integer(tags, "seq_len"),
        horizon=_integer(tags, "horizon"),
        label=_text(tags, "label"),
        answers=_text(tags, "answers"),
        metrics=read_metrics(tags),
        evidence=_text(tags, "evidence"),
        verdict=_text(tags, "verdict"),
        url=version_address(server, version.name, number) if server else None,
    )


def _text(tags: Mapping[str, str], key: str) -> str | None:
    return shortened(tags[key]) if tags.get(key) else None


def _integer(tags: Mapping[str, str], key: str) -> int | None:
    text = tags.get(key, "")
    is_number = text.isascii() and text.isdecimal() and len(text) < 17
    return int(text) if is_number and int(text) <= MAX_INTEGER else None


def _format_time(milliseconds: int | None) -> str | None:
    if not milliseconds:
        return None
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.isoformat().replace("+00:00", "Z")
