"""Resolution of the client's model names, its default names included."""

from serving.api.respond import Selection
from serving.errors import NotReady, RequestError
from serving.forecasts.zeroshot.model import NAME as ZERO_SHOT
from serving.registry.model_store import ModelStore
from serving.service import Service

CLIENT_DEFAULTS = ("timegpt", "azureai")  # prefixes of the client's default names


def select_model(service: Service, model_name: str) -> Selection | None:
    """Return the model that a client names; None for the zero-shot forecaster.

    Args:
        service: the running service.
        model_name: ``name``, ``name@alias`` or ``name/version``. A default name of the
            client that is not registered means the setting ``default_model``, or the
            only model, or without any model the zero-shot forecaster, which
            ``zero_shot`` means too.

    Raises:
        RequestError: the name is a default of the client and there are several models.
        NotReady: the registry has not answered yet.
    """
    models = service.models
    if model_name == ZERO_SHOT and model_name not in (models.registered or {}):
        return None
    if models.registered is None:
        raise NotReady
    if model_name not in models.registered and model_name.startswith(CLIENT_DEFAULTS):
        name = service.settings.default_model or _only_model(models, model_name)
        if name is None:
            return None
        model_name = name
    if model_name in models.registered:
        return Selection(model_name)
    name, separator, version = model_name.rpartition("/")
    if separator:
        return Selection(name, version=version)
    name, separator, alias = model_name.rpartition("@")
    return Selection(name, alias) if separator else Selection(model_name)


def _only_model(models: ModelStore, model_name: str) -> str | None:
    """Return the only model that can be served, or None without any."""
    names = list(filter(models.is_forecaster, models.list_servable()))
    if len(names) < 2:
        return names[0] if names else None
    text = (
        f"{model_name!r} is the client's own name, and it is open which model is "
        f"meant: give model= one of {', '.join(map(repr, names))}, or {ZERO_SHOT!r} "
        "for none of them, or set SERVING_DEFAULT_MODEL"
    )
    raise RequestError([(("model",), text)])
