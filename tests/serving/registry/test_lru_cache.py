"""Versions in memory: the least recently used leaves first."""

import pytest

from serving.registry.loaded_model import LoadedModel
from serving.registry.lru_cache import LruCache


@pytest.fixture
def model(library):
    return LoadedModel(library["waves", "1"], None)


def key(number):
    return "waves", str(number)


def fill(cache, model, count):
    for number in range(count):
        cache[key(number)] = model


def test_the_least_recently_used_version_leaves_for_the_next(model):
    cache = LruCache(2)
    fill(cache, model, 2)

    used = cache.get(key(0))
    cache[key(2)] = model

    assert used is model
    assert set(cache) == {key(0), key(2)}


def test_adding_up_the_bytes_uses_no_version(model):
    cache = LruCache(3)
    fill(cache, model, 3)
    cache.get(key(0))

    total = cache.num_bytes
    cache[key(3)] = model

    assert total == 3 * model.num_bytes > 0
    assert set(cache) == {key(0), key(2), key(3)}


def test_versions_leave_for_one_that_is_larger_than_the_bound(model):
    cache = LruCache(10, max_bytes=model.num_bytes - 1)

    fill(cache, model, 3)

    assert set(cache) == {key(2)}
    assert cache.num_bytes == model.num_bytes


def test_as_many_versions_stay_as_have_room_together(model):
    cache = LruCache(10, max_bytes=2 * model.num_bytes)

    fill(cache, model, 3)

    assert set(cache) == {key(1), key(2)}
