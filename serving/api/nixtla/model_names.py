"""Resolution of the client's model names, its default names included."""

from typing import TYPE_CHECKING

from serving.errors import NotReady, RequestError
from serving.registry.loaded_model import LoadedModel
from serving.registry.model_store import ModelStore

if TYPE_CHECKING:
    from serving.service import Service

CLIENT_DEFAULTS = ("timegpt", "azureai")  # prefixes of the client's default names


async def find_model(
    service: "Service", model_name: str
) -> tuple[LoadedModel, str | None]:
    """Return a model and its alias; the alias is None where a version was named.

    Args:
        service: the running service.
        model_name: ``name``, ``name@alias`` or ``name/version``. A default name of the
            client that is not registered means the setting ``default_model``, or the
            only model.

    Raises:
        RequestError: the name is a default of the client and there are several models,
            or none.
        NotReady, UnknownModel, UnknownAlias, UnknownVersion, ForeignVersion,
            VersionUnusable: as `ModelStore.find`.
    """
    models = service.models
    if models.registered is None:
        raise NotReady
    if model_name not in models.registered and model_name.startswith(CLIENT_DEFAULTS):
        model_name = service.settings.default_model or _only_model(models, model_name)
    name, alias, version = _split(model_name, models)
    model = await models.find(name, alias, version)
    return model, None if version else alias or models.alias


def _split(model_name: str, models: ModelStore) -> tuple[str, str | None, str | None]:
    """Split a name into name, alias and version."""
    if model_name in (models.registered or {}):
        return model_name, None, None
    name, separator, version = model_name.rpartition("/")
    if separator:
        return name, None, version
    name, separator, alias = model_name.rpartition("@")
    return (name, alias, None) if separator else (model_name, None, None)


def _only_model(models: ModelStore, model_name: str) -> str:
    names = models.list_servable()
    if len(names) == 1:
        return names[0]
    text = (
        f"{model_name!r} is the client's own name, and it is open which model is "
        f"meant: give model= one of {', '.join(map(repr, names)) or 'none yet'}, or "
        "set SERVING_DEFAULT_MODEL"
    )
    raise RequestError([(("model",), text)])
