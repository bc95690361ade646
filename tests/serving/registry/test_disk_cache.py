"""Versions on disk: whole or not at all, bounded, and never in the way."""

import os
import resource
import shutil
import time
from contextlib import contextmanager

import pytest

from serving.registry.disk_cache import STALE, DiskCache
from serving.registry.snapshot import ModelSnapshot

MIB = 2**20


def write_model(folder, size=1000):
    (folder / "deep").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "deep" / "weights").write_bytes(os.urandom(size))
    return folder


def aliased(version):
    return {"sales": ModelSnapshot({"champion": version}, ("3", "2", "1"), 7, {"1": 5})}


def inside(folder):
    """Return the names of what a cache holds."""
    return sorted(path.name for path in next(folder.iterdir()).iterdir())


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "cache", "sqlite:///a.db", MIB)


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


@contextmanager
def largest_file(size):
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_kept_is_found_with_its_files_and_tags(cache, model):
    cache.keep("sales", "1", 5, model, {"metrics": "{}"})

    folder, tags = cache.find("sales", "1", 5)

    assert tags == {"metrics": "{}"}
    weights = (model / "deep" / "weights").read_bytes()
    assert (folder / "deep" / "weights").read_bytes() == weights
    assert cache.find("sales", "2", 5) is None
    assert cache.find("other", "1", 5) is None


@pytest.mark.parametrize("name", ["MLmodel", "deep/weights"])
@pytest.mark.parametrize("how", ["change", "cut", "remove", "add"])
def test_a_damaged_version_is_dropped(cache, model, name, how):
    cache.keep("sales", "1", 5, model, {})
    folder, _ = cache.find("sales", "1", 5)
    path = folder / name
    whole = path.read_bytes()
    if how == "remove":
        path.unlink()
    elif how == "add":
        path.with_name("new").write_bytes(whole)
    else:
        path.write_bytes(whole[:-1] + (b"?" if how == "change" else b""))

    found = cache.find("sales", "1", 5)

    assert found is None
    assert not folder.exists()


def test_a_version_whose_number_was_used_again_is_dropped(cache, model):
    cache.keep("sales", "1", 5, model, {})

    assert cache.find("sales", "1", 6) is None
    assert cache.find("sales", "1", 5) is None


def test_each_registry_has_versions_of_its_own(tmp_path, cache, model):
    other = DiskCache(tmp_path / "cache", "sqlite:///b.db", MIB)
    cache.keep("sales", "1", 5, model, {})
    cache.remember(aliased("1"))

    assert other.find("sales", "1", 5) is None
    assert other.recall() is None


def test_what_the_registry_said_is_recalled_by_the_next_process(tmp_path, cache):
    cache.remember(aliased("1"))
    cache.remember(aliased("2"))

    assert DiskCache(tmp_path / "cache", "sqlite:///a.db", MIB).recall() == aliased("2")


def test_a_damaged_memory_is_none(tmp_path, cache):
    cache.remember(aliased("1"))
    state = next((tmp_path / "cache").iterdir()) / "registry.json"
    state.write_bytes(state.read_bytes()[:-5])

    assert cache.recall() is None


def test_what_was_least_recently_used_leaves_first(tmp_path, model):
    cache = DiskCache(tmp_path / "cache", "a", 3000)
    cache.keep("sales", "1", 5, model, {})
    cache.keep("sales", "2", 5, model, {})
    first, _ = cache.find("sales", "1", 5)
    os.utime(first.parent, (0, 0))

    cache.keep("sales", "3", 5, model, {})

    assert [cache.find("sales", v, 5) is None for v in "123"] == [True, False, False]


def test_a_version_with_an_alias_leaves_last(tmp_path, model):
    cache = DiskCache(tmp_path / "cache", "a", 3000)
    cache.remember(aliased("1"))
    cache.keep("sales", "1", 5, model, {})
    cache.keep("sales", "2", 5, model, {})
    first, _ = cache.find("sales", "1", 5)
    os.utime(first.parent, (0, 0))

    cache.keep("sales", "3", 5, model, {})

    assert [cache.find("sales", v, 5) is None for v in "123"] == [False, True, False]


def test_a_version_larger_than_the_cache_is_not_kept(tmp_path, model, caplog):
    cache = DiskCache(tmp_path / "cache", "a", 900)

    cache.keep("sales", "1", 5, model, {})

    assert inside(tmp_path / "cache") == []
    assert caplog.messages == ["version is too large for the cache"]


def test_a_full_disk_keeps_nothing_and_is_said_once(tmp_path, cache, model, caplog):
    with largest_file(500):
        cache.keep("sales", "1", 5, model, {})
        cache.keep("sales", "2", 5, model, {})
    during = inside(tmp_path / "cache")
    cache.keep("sales", "1", 5, model, {})

    assert during == []
    assert caplog.messages == ["cache cannot be written"]
    assert caplog.records[0].fields == {"reason": "File too large"}
    assert cache.find("sales", "1", 5) is not None


def test_a_full_disk_does_not_damage_the_memory(cache, caplog):
    cache.remember(aliased("1"))

    with largest_file(10):
        cache.remember(aliased("2"))

    assert cache.recall() == aliased("1")
    assert cache.lost
    assert not cache.remembers
    assert caplog.messages == ["cache cannot be written"]


def test_a_memory_that_was_deleted_is_written_again_and_missed(tmp_path, cache):
    cache.remember(aliased("1"))
    whole = cache.lost
    shutil.rmtree(tmp_path / "cache")

    cache.remember(aliased("1"))

    assert not whole
    assert cache.lost
    assert cache.recall() == aliased("1")


def test_what_leaves_to_make_room_is_not_missed(tmp_path, model):
    cache = DiskCache(tmp_path / "cache", "a", 1500)
    cache.remember(aliased("1"))
    cache.keep("sales", "1", 5, model, {})

    cache.keep("sales", "2", 5, model, {})
    cache.remember(aliased("1"))

    assert cache.find("sales", "1", 5) is None
    assert not cache.lost


def test_drafts_of_processes_that_died_are_swept_up(tmp_path, cache, model):
    cache.keep("sales", "1", 5, model, {})
    place = next((tmp_path / "cache").iterdir())
    for name, age in (("old", STALE + 60), ("new", 0)):
        draft = place / f".draft-{name}"
        draft.mkdir()
        os.utime(draft, (time.time() - age,) * 2)

    cache.keep("sales", "2", 5, model, {})

    drafts = [name for name in inside(tmp_path / "cache") if "draft" in name]
    assert drafts == [".draft-new"]


def test_two_services_may_keep_the_same_version(tmp_path, cache, model):
    cache.keep("sales", "1", 5, model, {})

    DiskCache(tmp_path / "cache", "sqlite:///a.db", MIB).keep(
        "sales", "1", 5, model, {}
    )

    assert cache.find("sales", "1", 5) is not None
    assert len(inside(tmp_path / "cache")) == 1


def test_a_file_in_the_place_of_a_version_makes_room_for_it(cache, model):
    cache.keep("sales", "1", 5, model, {})
    place = cache.find("sales", "1", 5)[0].parent
    shutil.rmtree(place)
    place.write_text("no folder")

    found = cache.find("sales", "1", 5)
    cache.keep("sales", "1", 5, model, {})

    assert found is None
    assert cache.find("sales", "1", 5) is not None
    assert not cache.lost
