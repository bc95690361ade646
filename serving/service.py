"""The running service: registry, models, threads, metrics; and its dependency."""

from typing import Annotated

from fastapi import Depends, Request

from serving.forecasts.batching import Batcher
from serving.forecasts.forecast import Forecasts
from serving.forecasts.thread_pool import ForecastThreads
from serving.forecasts.zeroshot.answer import ZeroShotForecasts
from serving.observability.metrics import Metrics
from serving.operation.operation import Operation
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_source import ModelSource
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller
from serving.settings import Settings


class Service:
    """The objects that live as long as the process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        registry = MlflowRegistry()
        source = ModelSource(registry, settings.cache_dir, settings.cache_bytes)
        self.metrics = Metrics()
        self.models = ModelStore(
            source,
            settings.alias,
            settings.max_models,
            settings.max_memory,
            self.metrics.count_failure,
        )
        self.poller = Poller(source, self.models, settings.poll_seconds)
        self.workers = ForecastThreads(
            settings.threads, settings.max_waiting, self.metrics.set_queue_length
        )
        self.long_workers = ForecastThreads(
            settings.threads, settings.max_waiting, name="long"
        )  # of long series and generations, which no forecast waits for
        self.metrics.add_state(self.models, self.poller)
        batcher = Batcher(self.workers, self.metrics.observe_batch)
        self.forecasts = Forecasts(batcher, self.workers, settings)
        self.zero_shot = ZeroShotForecasts(batcher, self.workers, settings)
        self.operation = Operation(registry, self.models, self.poller, settings)

    def close(self) -> None:
        """Stop the threads of forecasts, polling and loading."""
        self.workers.close()
        self.long_workers.close()
        self.operation.close()
        self.poller.close()
        self.models.close()


def _service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDependency = Annotated[Service, Depends(_service_of)]
