"""Which model a client means by a name, also by one that is only its own default."""

from typing import TYPE_CHECKING

from serving.errors import NotReady, RequestError
from serving.registry.loaded_model import LoadedModel
from serving.registry.model_store import ModelStore

if TYPE_CHECKING:
    from serving.service import Service
DEFAULTS = ("timegpt", "azureai")  # how the names begin that the client knows by itself


async def find_model(service: "Service", asked: str) -> tuple[LoadedModel, str | None]:
    """Return a model, and the alias that it answers by; none where a version was named.

    Args:
        service: that holds it.
        asked: ``name``, ``name@alias`` or ``name/version``; a name that is none of
            ours and that the client uses when it is told none means the setting
            ``default_model``, or the only model.

    Raises:
        RequestError: the client's own name, and it is open which model is meant.
        NotReady, UnknownModel, UnknownAlias, UnknownVersion, ForeignVersion,
            VersionUnusable: as `ModelStore.find`.
    """
    models = service.models
    if models.registered is None:
        raise NotReady
    if asked not in models.registered and asked.startswith(DEFAULTS):
        asked = service.settings.default_model or _only(models, asked)
    name, alias, version = _take_apart(asked, models)
    model = await models.find(name, alias, version)
    return model, None if version else alias or models.alias


def _take_apart(asked: str, models: ModelStore) -> tuple[str, str | None, str | None]:
    """Return name, alias and version."""
    if asked in (models.registered or {}):
        return asked, None, None
    name, found, version = asked.rpartition("/")
    if found:
        return name, None, version
    name, found, alias = asked.rpartition("@")
    return (name, alias, None) if found else (asked, None, None)


def _only(models: ModelStore, asked: str) -> str:
    names = models.offered()
    if len(names) == 1:
        return names[0]
    text = (
        f"{asked!r} is the client's own name, and it is open which model is meant: "
        f"give model= one of {', '.join(map(repr, names)) or 'none yet'}, or set "
        "SERVING_DEFAULT_MODEL"
    )
    raise RequestError([(("model",), text)])
