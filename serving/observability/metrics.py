"""Prometheus counters and histograms of requests, forecasts and failures."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from serving.observability.multiprocess_metrics import (
    add_all_processes,
    is_multiprocess,
)
from serving.observability.state_collector import StateCollector
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one service, over all its worker processes."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()  # of the text output
        # With several processes, counters live in files that all processes share.
        registry = None if is_multiprocess() else self._registry
        self._requests = Counter(
            "recast_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "recast_request_seconds",
            "Time to answer.",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._answer_metrics: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._forecasts = Counter(
            "recast_forecasts", "Series forecast.", ["model"], registry=registry
        )
        self._predictions = Counter(
            "recast_predictions",
            "Series classified, labelled or continued.",
            ["model", "task"],
            registry=registry,
        )
        self._batches = Histogram(
            "recast_batch_series",
            "Series in one forward pass.",
            ["model"],
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._keys = Counter(
            "recast_key_requests",
            "Requests made with each API key, by its name.",
            ["key"],
            registry=registry,
        )
        self._failures = Counter(
            "recast_swap_failures",
            "Versions refused, each try.",
            ["model"],
            registry=registry,
        )
        self._queue = Gauge(
            "recast_queue_length",
            "Requests whose forecast is computed or waits for that.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        if registry is None:
            add_all_processes(self._registry)
        else:
            ProcessCollector(registry=registry)

    def add_state(self, models: ModelStore, poller: Poller) -> None:
        """Add gauges of models and registry, read by this process at each scrape."""
        self._registry.register(StateCollector(models, poller))

    def count_request(
        self, method: str, route: str, status: int, seconds: float
    ) -> None:
        """Count an answered request and its duration."""
        key = method, route, status
        metrics = self._answer_metrics.get(key)
        if metrics is None:
            counter = self._requests.labels(method, route, str(status))
            metrics = self._answer_metrics[key] = counter, self._seconds.labels(route)
        metrics[0].inc()
        metrics[1].observe(seconds)

    def count_forecasts(self, model: str, series: int) -> None:
        """Count forecast series."""
        self._forecasts.labels(model).inc(series)

    def count_predictions(self, model: str, task: str, series: int) -> None:
        """Count series that a model of discrete series has answered for."""
        self._predictions.labels(model, task).inc(series)

    def observe_batch(self, model: str, size: int) -> None:
        """Count a forward pass and its number of series."""
        self._batches.labels(model).observe(size)

    def count_key(self, key: str) -> None:
        """Count a request by the name of its API key."""
        self._keys.labels(key).inc()

    def count_failure(self, model: str) -> None:
        """Count a refused version."""
        self._failures.labels(model).inc()

    def set_queue_length(self, length: int) -> None:
        """Set the number of requests that this process computes or lets wait."""
        self._queue.set(length)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)
