"""Versions in memory: loading, eviction, swaps and failures."""

import asyncio
import math
import threading
from dataclasses import replace

import pytest

from serving.errors import NotReady, UnknownModel, VersionUnusable
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_source import ModelSource
from serving.registry.model_store import ModelStore


@pytest.fixture
def source(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    return ModelSource(MlflowRegistry())


async def follow(source, max_models=10):
    models = ModelStore(source, "champion", max_models)
    await models.follow(source.read())
    return models


def test_the_champions_are_loaded_from_the_start(source):
    models = asyncio.run(follow(source))

    assert sorted(models.loaded) == [("my steps", "1"), ("spare", "1"), ("waves", "1")]
    assert models.answering() == {"my steps": "1", "spare": "1", "waves": "1"}


def test_the_least_recently_used_version_leaves_first(source):
    async def ask():
        models = await follow(source, max_models=2)
        await models.find("my steps")
        await models.find("waves", version="2")
        return models

    models = asyncio.run(ask())

    assert sorted(models.loaded) == [("my steps", "1"), ("waves", "2")]


def test_versions_leave_when_they_take_too_much_memory_together(source):
    async def ask(max_bytes):
        models = ModelStore(source, "champion", 10, max_bytes)
        await models.follow(source.read())
        for name in ("my steps", "spare", "waves"):  # they are loaded in any order
            await models.find(name)
        return models

    full = asyncio.run(ask(math.inf))
    sizes = {key: model.num_bytes for key, model in full.loaded.items()}
    large = asyncio.run(ask(sum(sizes.values()) - 1))
    small = asyncio.run(ask(1))

    assert full.loaded.num_bytes == sum(sizes.values()) > 10_000
    assert sorted(large.loaded) == [("spare", "1"), ("waves", "1")]
    assert list(small.loaded) == [("waves", "1")]


def test_a_version_that_left_comes_back_when_it_is_asked_for(source):
    async def ask():
        models = await follow(source, max_models=1)
        evicted = next(
            name for name in models.answering() if (name, "1") not in models.loaded
        )
        return evicted, await models.find(evicted)

    name, model = asyncio.run(ask())

    assert (model.name, model.version) == (name, "1")


def test_requests_for_one_version_wait_for_one_loading(source):
    async def ask():
        models = await follow(source)
        return await asyncio.gather(
            *(models.find("waves", "challenger") for _ in "abc")
        )

    first, *others = asyncio.run(ask())

    assert all(other is first for other in others)


def test_a_refused_version_is_not_loaded_again_at_once(source):
    failures = []

    async def ask():
        models = ModelStore(source, "champion", 10, count_failure=failures.append)
        await models.follow(source.read())
        for _ in "ab":
            with pytest.raises(VersionUnusable, match="it is damaged"):
                await models.find("waves", version="3")

    asyncio.run(ask())

    assert failures == ["waves"]


def test_nothing_is_known_before_the_registry_has_answered(source):
    models = ModelStore(source, "champion", 1)

    with pytest.raises(NotReady, match="has not answered yet"):
        asyncio.run(models.find("waves"))


def test_what_was_removed_can_no_longer_be_described(source):
    async def ask():
        models = await follow(source)
        await models.follow({})
        return models

    models = asyncio.run(ask())

    with pytest.raises(UnknownModel, match="There is: none"):
        models.describe("waves", "1", None)
    assert not models.loaded


class SlowSource(ModelSource):
    """The source of the versions, but loads of one model wait for an event."""

    def __init__(self, slow):
        super().__init__(MlflowRegistry())
        self.slow, self.allowed = slow, threading.Event()

    def load(self, name, version, creation_time=0):
        if name == self.slow:
            assert self.allowed.wait(180)
        return super().load(name, version, creation_time)


def test_a_slow_download_delays_no_other_swap(source):
    source = SlowSource("my steps")

    async def ask():
        models = ModelStore(source, "champion", 10)
        first = asyncio.create_task(models.follow(source.read()))
        while len(models.answering()) < 2:
            await asyncio.sleep(0.01)
        moved = with_champion(source.read(), "2")
        await models.follow(moved)
        during = models.answering()
        source.allowed.set()
        await first
        return during, models.answering()

    during, after = asyncio.run(asyncio.wait_for(ask(), 180))

    assert during == {"spare": "1", "waves": "2"}
    assert after == {"my steps": "1", "spare": "1", "waves": "2"}


def test_a_version_that_comes_too_late_does_not_take_over(source):
    source = SlowSource("waves")

    async def ask():
        models = ModelStore(source, "champion", 10)
        registered = source.read()
        source.allowed.set()
        await models.follow(registered)
        source.allowed.clear()
        late = asyncio.create_task(models.follow(with_champion(registered, "2")))
        await asyncio.sleep(0.05)
        await models.follow(registered)
        source.allowed.set()
        await late
        return models

    models = asyncio.run(asyncio.wait_for(ask(), 180))

    assert ("waves", "2") in models.loaded
    assert models.answering()["waves"] == "1"


def test_a_number_that_is_used_again_is_another_version(source):
    async def ask():
        models = await follow(source)
        before = await models.find("waves")
        entry = models.registered["waves"]
        times = {**entry.creation_times, "1": 7}
        reused = replace(entry, creation_times=times)
        await models.follow({**models.registered, "waves": reused})
        return before, await models.find("waves")

    before, after = asyncio.run(ask())

    assert before.version == after.version == "1"
    assert before is not after


def with_champion(registered, version):
    """Return the registered models with another champion of the waves."""
    entry = registered["waves"]
    return {**registered, "waves": replace(entry, aliases={"champion": version})}
