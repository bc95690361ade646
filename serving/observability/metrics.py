"""What Prometheus sees: requests as they happen, models and registry when it asks."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from serving.observability.multiprocess_metrics import is_shared, tell_all
from serving.observability.state_collector import _State
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The numbers of one service, however many processes it has."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()  # what is told
        own = None if is_shared() else self._registry
        self._requests = Counter(
            "recast_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=own,
        )
        self._seconds = Histogram(
            "recast_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=BUCKETS,
            registry=own,
        )
        self._by_answer: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._forecasts = Counter(
            "recast_forecasts", "Series forecast.", ["model"], registry=own
        )
        self._batches = Histogram(
            "recast_batch_series",
            "Series in one forward pass.",
            ["model"],
            buckets=BATCH_BUCKETS,
            registry=own,
        )
        self._keys = Counter(
            "recast_key_requests",
            "Requests made with each API key, by its name.",
            ["key"],
            registry=own,
        )
        self._failures = Counter(
            "recast_swap_failures",
            "Versions refused, each try.",
            ["model"],
            registry=own,
        )
        self._queue = Gauge(
            "recast_queue_length",
            "Requests whose forecast is computed or waits for that.",
            registry=own,
            multiprocess_mode="livesum",
        )
        if own is None:
            tell_all(self._registry)
        else:
            ProcessCollector(registry=own)

    def watch(self, models: ModelStore, poller: Poller) -> None:
        """Tell of models and registry too, as this process knows them when asked."""
        self._registry.register(_State(models, poller))

    def count_request(
        self, method: str, route: str, status: int, seconds: float
    ) -> None:
        """Count an answer and its time."""
        key = method, route, status
        found = self._by_answer.get(key)
        if found is None:
            answers = self._requests.labels(method, route, str(status))
            found = self._by_answer[key] = answers, self._seconds.labels(route)
        found[0].inc()
        found[1].observe(seconds)

    def count_forecasts(self, model: str, series: int) -> None:
        """Count series forecast."""
        self._forecasts.labels(model).inc(series)

    def observe_batch(self, model: str, size: int) -> None:
        """Count a forward pass and the series that went through it."""
        self._batches.labels(model).observe(size)

    def count_key(self, key: str) -> None:
        """Count a request made with the key of that name."""
        self._keys.labels(key).inc()

    def count_failure(self, model: str) -> None:
        """Count a version that was refused."""
        self._failures.labels(model).inc()

    def tell_queue(self, length: int) -> None:
        """Say how many requests this process computes, or lets wait for that."""
        self._queue.set(length)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)
