"""The MLflow registry, as the service sees it: read only, and it may be away.

Every call here blocks, for milliseconds or until a timeout: the service makes none of
them while it answers a request for a model that it holds.
"""

import json
import logging
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import mlflow
import numpy as np
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import make_url

from forecasting.covariates.encoding import go_on
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.errors import ArtifactError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.quick import QuickModel, is_quick
from serving.cache import Cache
from serving.descriptions import describe
from serving.listing import every_model, every_version
from serving.masking import first_line, mask
from serving.registered import Registered
from serving.schemas import ModelDetails

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


@dataclass(frozen=True, slots=True)
class Model:
    """A version in memory that has made a forecast, and what there is to say of it."""

    forecaster: Forecaster
    details: ModelDetails
    quick: QuickModel | None = field(init=False)
    """The same model, laid out for plain requests; None if it reads more."""

    def __post_init__(self) -> None:
        fitted, precision = self.forecaster.fitted, self.forecaster.training.precision
        assert fitted is not None
        quick = QuickModel(fitted, precision) if is_quick(fitted) else None
        object.__setattr__(self, "quick", quick)

    @property
    def name(self) -> str:
        """Its name in the registry."""
        return self.details.name

    @property
    def num_bytes(self) -> int:
        """Bytes of its weights, tables and series."""
        assert self.forecaster.fitted is not None
        return self.forecaster.fitted.num_bytes

    @property
    def version(self) -> str:
        """Its number in the registry."""
        return self.details.version


class RegistryDown(Exception):
    """The registry does not answer."""


class Unloadable(Exception):
    """A version cannot be loaded; the message may be shown to anybody.

    Attributes:
        cause: what went wrong inside, for the log; empty where the message says it.
    """

    def __init__(self, reason: str, cause: BaseException | None = None) -> None:
        super().__init__(reason)
        self.cause = first_line(cause) if cause else ""


class Foreign(Unloadable):
    """A version is none of ours: somebody else shares the registry."""


class Registry:
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
        self._known: dict[str, Registered] = {}
        self._unreadable: set[str] = set()
        whole = str(self._file.resolve()) if self._file else self.uri
        self.cache = Cache(Path(cache_dir), whole, cache_bytes) if cache_dir else None

    @property
    def shown_uri(self) -> str:
        """The URI without user and password."""
        return mask(self.uri)

    def read(self) -> dict[str, Registered]:
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

    def recall(self) -> dict[str, Registered] | None:
        """Return what the registry said last, as the cache has it; None without it."""
        return self.cache.recall() if self.cache else None

    def load(self, name: str, version: str, made: int = 0) -> Model:
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
        except Unloadable:
            raise
        except Exception as error:  # a full disk, a folder that nobody may write to
            log.debug("load failed", exc_info=True)
            raise Unloadable("it cannot be loaded", error) from error

    def _load(self, name: str, version: str, made: int) -> Model:
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
            raise Unloadable("a models:/ URI cannot hold its name; choose another name")
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
            raise Unloadable("the registry did not deliver it", error) from error
        if pyfunc.get("loader_module") != LOADER:
            raise Foreign("it is no model of Recast")
        return dict(tags)

    def _describe_all(
        self, client: mlflow.MlflowClient, models: Iterable[RegisteredModel]
    ) -> dict[str, Registered]:
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
    ) -> Registered:
        """Return one model; its versions are asked for only when it has changed."""
        aliases = {alias: str(v) for alias, v in model.aliases.items()}
        changed, known = model.last_updated_timestamp, self._known.get(model.name)
        if (
            known is not None
            and known.changed == changed
            and known.made.keys() >= set(aliases.values())
        ):
            return Registered(aliases, known.versions, changed, known.made)
        found = every_version(client, model.name)
        made = {str(v.version): int(v.creation_timestamp or 0) for v in found}
        return Registered(
            aliases, tuple(sorted(made, key=int, reverse=True)), changed, made
        )

    def _check_file(self) -> None:
        """Refuse a SQLite file that is not there: MLflow would make an empty one."""
        if self._file is not None and not self._file.is_file():
            raise MlflowException(f"there is no file {self._file}")


def _try(name: str, version: str, folder: Path, tags: Mapping[str, str]) -> Model:
    """Load a version from a folder and let it forecast.

    Raises:
        Unloadable: it cannot.
    """
    try:
        forecaster = Forecaster.load(folder, device="cpu")
        made = forecaster.predict(_trial(forecaster))
        details = describe(name, version, forecaster, _read_metrics(tags))
    except ArtifactError as error:
        reason = str(error).removeprefix(f"model {error.path}: ")
        raise Unloadable(reason.replace(str(folder), "its folder")) from error
    except Exception as error:
        log.debug("load failed", exc_info=True)
        raise Unloadable("it cannot make forecasts", error) from error
    if not np.isfinite(made.points).all():
        raise Unloadable("its forecasts are no numbers")
    if _lacks_bounds(forecaster, made):
        raise Unloadable("its intervals are no numbers: they are not calibrated")
    return Model(forecaster, details)


def _trial(forecaster: Forecaster) -> Panel:
    """Return the series seen in training, with some future of what must be known."""
    assert forecaster.fitted is not None
    return go_on(forecaster.fitted.context, forecaster.windows.horizon)


def _lacks_bounds(forecaster: Forecaster, made: Forecast) -> bool:
    """Return whether bounds are missing; beyond the range of numbers they may lie."""
    assert forecaster.fitted is not None
    table = forecaster.fitted.intervals
    scaling = (table.scaling.exponent, table.scaling.typical)
    bounds = [side for pair in made.intervals.values() for side in pair]
    calibrated = np.isfinite(table.quantiles).all() and np.isfinite(scaling).all()
    return not calibrated or bool(np.isnan(bounds).any())


def _read_metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers in the tag ``metrics``, a JSON object; others are left out."""
    try:
        plain = json.loads(tags.get("metrics", "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(plain, dict):
        return {}
    return {key: float(value) for key, value in plain.items() if _is_shown(key, value)}


def _is_shown(key: str, value: object) -> bool:
    """Return whether a metric is a number, and its name a text that can be sent."""
    try:
        key.encode()
        return isinstance(value, int | float) and math.isfinite(value)
    except (UnicodeEncodeError, OverflowError):
        return False
