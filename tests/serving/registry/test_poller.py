"""The poller after its first read of the registry."""

import asyncio
import gc

from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_source import ModelSource
from serving.registry.model_store import ModelStore
from serving.registry.poller import Poller


async def poll_until_settled(source, models):
    poller = Poller(source, models, 0.05)
    polling = asyncio.create_task(poller.run())
    async with asyncio.timeout(180):
        while not poller.settled:
            await asyncio.sleep(0.01)
    polling.cancel()


def test_garbage_is_not_looked_for_among_the_models_that_stay(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    source = ModelSource(MlflowRegistry())
    models = ModelStore(source, "champion", max_models=10)

    try:
        asyncio.run(poll_until_settled(source, models))
        tracked = gc.get_objects()
    finally:
        gc.unfreeze()

    assert models.loaded
    assert all(item is not models.loaded for item in tracked)
