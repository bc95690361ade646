"""Prometheus gauges of models and registry, read at each scrape."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller


class StateCollector(Collector):
    """Reads the state of models and registry at each scrape."""

    def __init__(self, models: ModelStore, poller: Poller) -> None:
        self._models, self._poller = models, poller

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        version = GaugeMetricFamily(
            "recast_model_version", "Version that answers.", labels=["model", "alias"]
        )
        for name, number in self._models.answering().items():
            version.add_metric([name, self._models.alias], float(number))
        yield version
        yield GaugeMetricFamily(
            "recast_versions_refused",
            "Versions that an alias points to and that cannot be used.",
            value=len(self._models.list_failures()),
        )
        yield GaugeMetricFamily(
            "recast_models_held", "Versions in memory.", value=len(self._models.loaded)
        )
        yield GaugeMetricFamily(
            "recast_models_bytes",
            "Bytes of the weights, tables and series of the versions in memory.",
            value=self._models.loaded.num_bytes,
        )
        yield GaugeMetricFamily(
            "recast_registry_age_seconds",
            "Since the registry last answered; infinite when it never has.",
            value=float("inf") if self._poller.age is None else self._poller.age,
        )
        yield GaugeMetricFamily(
            "recast_registry_reachable",
            "1 while the registry answers.",
            value=float(self._poller.reachable),
        )
        yield GaugeMetricFamily(
            "recast_registry_recalled",
            "1 while names and aliases come from the cache on disk.",
            value=float(self._poller.from_cache),
        )
