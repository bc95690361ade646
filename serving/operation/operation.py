"""The objects that operate models, as long as the process lives."""

from serving.operation.inspection import Inspections
from serving.operation.moves import Moves
from serving.operation.registry import RegistryCalls
from serving.operation.training.trainings import Trainings
from serving.operation.versions import Versions
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller
from serving.settings import Settings


class Operation:
    """The objects that operate models.

    Args:
        registry: gateway.
        models: the models in memory.
        poller: reads the registry.
        settings: of the service.
    """

    def __init__(
        self,
        registry: MlflowRegistry,
        models: ModelStore,
        poller: Poller,
        settings: Settings,
    ) -> None:
        self._calls = RegistryCalls(registry)
        self.versions = Versions(self._calls, models, settings.mlflow_url)
        self.moves = Moves(self._calls, models, poller, self.versions)
        self.inspections = Inspections(settings)
        self.trainings = Trainings(settings, registry.uri)

    def close(self) -> None:
        """Stop waiting for the registry, reading, and a training."""
        self.trainings.close()
        self._calls.close()
        self.inspections.close()
