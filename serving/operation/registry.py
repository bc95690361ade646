"""Calls of the registry that a request waits for, in threads, and their failures."""

import logging
from collections.abc import Callable
from typing import TypeVar

from mlflow.exceptions import MlflowException

from model_registry.errors import RegistryError
from serving.errors import RegistryAway, RegistryRefuses
from serving.forecasts.thread_pool import ForecastThreads
from serving.masking import first_line
from serving.registry.mlflow_registry import MlflowRegistry

T = TypeVar("T")
THREADS = 2  # calls at once: they wait for the registry, and take no time here
MAX_CALLS = 32  # running and waiting
REFUSALS = (401, 403)
log = logging.getLogger(__name__)


class RegistryCalls:
    """Calls functions that ask MLflow, in threads.

    Args:
        registry: gateway.
    """

    def __init__(self, registry: MlflowRegistry) -> None:
        self.uri = registry.uri
        self._registry = registry
        self._threads = ForecastThreads(THREADS, MAX_CALLS, name="registry")

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function.

        Raises:
            RegistryAway: the registry does not answer, or not in time.
            RegistryRefuses: it refuses the service's user.
            RegistryError: as ``function``.
            TooBusy: too many calls wait already.
        """
        return await self._threads.run(self._call, function)

    def _call(self, function: Callable[[], T]) -> T:
        try:
            self._registry.check_database()
            return function()
        except RegistryError:
            raise
        except Exception as error:  # whatever MLflow, a driver or a socket may raise
            fields = {"reason": first_line(error)}
            log.warning("registry call failed", extra={"fields": fields})
            if _status(error) in REFUSALS:
                raise RegistryRefuses from error
            raise RegistryAway from error

    def close(self) -> None:
        """Cancel waiting calls."""
        self._threads.close()


def _status(error: Exception) -> int:
    """Return the HTTP status of the registry's answer; 0 without one."""
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())
    return int(getattr(getattr(error, "response", None), "status_code", 0))
