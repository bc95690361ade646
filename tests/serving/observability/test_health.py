"""The readiness of a service while its models are loaded."""

import asyncio
import threading

import pytest

from serving.observability.health import readiness
from serving.registry import poller as poller_module
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_source import ModelSource
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller


class SlowSource(ModelSource):
    """The source of the versions, but each load waits for an event."""

    def __init__(self):
        super().__init__(MlflowRegistry())
        names = ("waves", "my steps", "spare", "other")
        self.allowed = {name: threading.Event() for name in names}

    def load(self, name, version, creation_time=0):
        assert self.allowed[name].wait(180)
        return super().load(name, version, creation_time)


@pytest.fixture
def source(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    monkeypatch.setattr(poller_module, "TIMEOUT_SECONDS", 180)  # a busy machine is slow
    return SlowSource()


def test_a_slow_model_keeps_nobody_from_the_others(source):
    async def start():
        models = ModelStore(source, "champion", 10)
        poller = Poller(source, models, 0.05)
        polling = asyncio.create_task(poller.run())

        async def ask(number):
            while len(models.pending_swaps) != number:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # a few more polls
            health = readiness(models, poller)
            started = poller.startup_done.is_set()
            return health.state, health.models, health.loading, started

        states = [await ask(4)]
        for name in ("waves", "other", "spare"):
            source.allowed[name].set()
        states.append(await ask(1))
        source.allowed["my steps"].set()
        states.append(await ask(0))
        polling.cancel()
        return states

    states = asyncio.run(asyncio.wait_for(start(), 180))

    assert states == [
        ("starting", 0, 4, False),
        ("degraded", 2, 1, False),
        ("ready", 3, 0, True),
    ]
