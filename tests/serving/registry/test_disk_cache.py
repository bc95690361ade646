"""The disk cache: complete versions only, a bounded size, no failed request."""

import os
import resource
import shutil
import time
from contextlib import contextmanager

import pytest

from serving.registry.disk_cache import STALE_SECONDS, DiskCache
from serving.registry.snapshot import ModelSnapshot

MIB = 2**20


def write_model(folder, size=1000):
    (folder / "deep").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    (folder / "deep" / "weights").write_bytes(os.urandom(size))
    return folder


def snapshot(version):
    return {"sales": ModelSnapshot({"champion": version}, ("3", "2", "1"), 7, {"1": 5})}


def entry_names(folder):
    """Return the names in the subfolder of a cache's only registry."""
    return sorted(path.name for path in next(folder.iterdir()).iterdir())


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "cache", "sqlite:///a.db", MIB)


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


@contextmanager
def largest_file(size):
    """Limit the size of this process's files, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_is_kept_is_found_with_its_files_and_tags(cache, model):
    cache.store("sales", "1", 5, model, {"metrics": "{}"})

    folder, tags = cache.find("sales", "1", 5)

    assert tags == {"metrics": "{}"}
    weights = (model / "deep" / "weights").read_bytes()
    assert (folder / "deep" / "weights").read_bytes() == weights
    assert cache.find("sales", "2", 5) is None
    assert cache.find("other", "1", 5) is None


@pytest.mark.parametrize("name", ["MLmodel", "deep/weights"])
@pytest.mark.parametrize("damage", ["change", "cut", "remove", "add"])
def test_a_damaged_version_is_dropped(cache, model, name, damage):
    cache.store("sales", "1", 5, model, {})
    folder, _ = cache.find("sales", "1", 5)
    path = folder / name
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    elif damage == "add":
        path.with_name("new").write_bytes(content)
    else:
        path.write_bytes(content[:-1] + (b"?" if damage == "change" else b""))

    entry = cache.find("sales", "1", 5)

    assert entry is None
    assert not folder.exists()


def test_a_version_whose_number_was_used_again_is_dropped(cache, model):
    cache.store("sales", "1", 5, model, {})

    assert cache.find("sales", "1", 6) is None
    assert cache.find("sales", "1", 5) is None


def test_each_registry_has_versions_of_its_own(tmp_path, cache, model):
    other = DiskCache(tmp_path / "cache", "sqlite:///b.db", MIB)
    cache.store("sales", "1", 5, model, {})
    cache.write_state(snapshot("1"))

    assert other.find("sales", "1", 5) is None
    assert other.read_state() is None


def test_what_the_registry_said_is_recalled_by_the_next_process(tmp_path, cache):
    cache.write_state(snapshot("1"))
    cache.write_state(snapshot("2"))

    assert DiskCache(
        tmp_path / "cache", "sqlite:///a.db", MIB
    ).read_state() == snapshot("2")


def test_a_damaged_state_is_none(tmp_path, cache):
    cache.write_state(snapshot("1"))
    state = next((tmp_path / "cache").iterdir()) / "registry.json"
    state.write_bytes(state.read_bytes()[:-5])

    assert cache.read_state() is None


def test_what_was_least_recently_used_leaves_first(tmp_path, model):
    cache = DiskCache(tmp_path / "cache", "a", 3000)
    cache.store("sales", "1", 5, model, {})
    cache.store("sales", "2", 5, model, {})
    first, _ = cache.find("sales", "1", 5)
    os.utime(first.parent, (0, 0))

    cache.store("sales", "3", 5, model, {})

    assert [cache.find("sales", v, 5) is None for v in "123"] == [True, False, False]


def test_a_version_with_an_alias_leaves_last(tmp_path, model):
    cache = DiskCache(tmp_path / "cache", "a", 3000)
    cache.write_state(snapshot("1"))
    cache.store("sales", "1", 5, model, {})
    cache.store("sales", "2", 5, model, {})
    first, _ = cache.find("sales", "1", 5)
    os.utime(first.parent, (0, 0))

    cache.store("sales", "3", 5, model, {})

    assert [cache.find("sales", v, 5) is None for v in "123"] == [False, True, False]


def test_a_version_larger_than_the_cache_is_not_kept(tmp_path, model, caplog):
    cache = DiskCache(tmp_path / "cache", "a", 900)

    cache.store("sales", "1", 5, model, {})

    assert entry_names(tmp_path / "cache") == []
    assert caplog.messages == ["version is too large for the cache"]


def test_a_full_disk_keeps_nothing_and_is_said_once(tmp_path, cache, model, caplog):
    with largest_file(500):
        cache.store("sales", "1", 5, model, {})
        cache.store("sales", "2", 5, model, {})
    during = entry_names(tmp_path / "cache")
    cache.store("sales", "1", 5, model, {})

    assert during == []
    assert caplog.messages == ["cache cannot be written"]
    assert caplog.records[0].fields == {"reason": "File too large"}
    assert cache.find("sales", "1", 5) is not None


def test_a_full_disk_does_not_damage_the_state(cache, caplog):
    cache.write_state(snapshot("1"))

    with largest_file(10):
        cache.write_state(snapshot("2"))

    assert cache.read_state() == snapshot("1")
    assert cache.incomplete
    assert not cache.has_state
    assert caplog.messages == ["cache cannot be written"]


def test_a_state_that_was_deleted_is_written_again_and_missed(tmp_path, cache):
    cache.write_state(snapshot("1"))
    incomplete_before = cache.incomplete
    shutil.rmtree(tmp_path / "cache")

    cache.write_state(snapshot("1"))

    assert not incomplete_before
    assert cache.incomplete
    assert cache.read_state() == snapshot("1")


def test_what_leaves_to_make_room_is_not_missed(tmp_path, model):
    cache = DiskCache(tmp_path / "cache", "a", 1500)
    cache.write_state(snapshot("1"))
    cache.store("sales", "1", 5, model, {})

    cache.store("sales", "2", 5, model, {})
    cache.write_state(snapshot("1"))

    assert cache.find("sales", "1", 5) is None
    assert not cache.incomplete


def test_drafts_of_processes_that_died_are_swept_up(tmp_path, cache, model):
    cache.store("sales", "1", 5, model, {})
    folder = next((tmp_path / "cache").iterdir())
    for name, age in (("old", STALE_SECONDS + 60), ("new", 0)):
        draft = folder / f".draft-{name}"
        draft.mkdir()
        os.utime(draft, (time.time() - age,) * 2)
    file = folder / ".draft-file"
    file.touch()
    os.utime(file, (0, 0))

    cache.store("sales", "2", 5, model, {})

    drafts = [name for name in entry_names(tmp_path / "cache") if "draft" in name]
    assert drafts == [".draft-new"]


def test_no_other_user_may_read_what_is_kept(tmp_path, cache, model):
    cache.store("sales", "1", 5, model, {})

    folder, _ = cache.find("sales", "1", 5)

    for path in (folder.parent, next((tmp_path / "cache").iterdir())):
        assert path.stat().st_mode & 0o077 == 0


def test_two_services_may_keep_the_same_version(tmp_path, cache, model):
    cache.store("sales", "1", 5, model, {})

    DiskCache(tmp_path / "cache", "sqlite:///a.db", MIB).store(
        "sales", "1", 5, model, {}
    )

    assert cache.find("sales", "1", 5) is not None
    assert len(entry_names(tmp_path / "cache")) == 1


def test_a_file_in_the_place_of_a_version_makes_room_for_it(cache, model):
    cache.store("sales", "1", 5, model, {})
    place = cache.find("sales", "1", 5)[0].parent
    shutil.rmtree(place)
    place.write_text("no folder")

    entry = cache.find("sales", "1", 5)
    cache.store("sales", "1", 5, model, {})

    assert entry is None
    assert cache.find("sales", "1", 5) is not None
    assert not cache.incomplete
