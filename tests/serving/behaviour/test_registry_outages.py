"""The registry may be away: at the start, later, or for ever."""

import shutil
import subprocess
import time

import pytest


def test_a_service_starts_without_registry_and_outlives_its_absence(
    registry, tmp_path, assert_problem, running
):
    away = registry.path.with_name("away.db")
    registry.path.rename(away)
    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.lines("registry is away"))
        not_ready = service.client.get("/readyz")
        refused = service.forecast()
        away.rename(registry.path)
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        before = service.forecast().json()
        registry.path.rename(away)
        degraded = service.wait_for(
            lambda: service.readyz()["state"] == "degraded" and service.readyz()
        )
        during, elsewhere = service.forecast().json(), service.forecast(version=2)
        away.rename(registry.path)
        service.wait_for(lambda: service.readyz()["state"] == "ready")
        registry.client.set_registered_model_alias("waves", "champion", "2")
        service.wait_for(lambda: service.forecast().json()["model"]["version"] == "2")

    problem = assert_problem(not_ready, 503, "not-ready", "no model is held")
    assert problem["state"] == "unavailable"
    assert problem["registry"] == {
        "reachable": False,
        "age_seconds": None,
        "recalled": False,
        "configured": True,
    }
    assert_problem(refused, 503, "not-ready", "has not answered yet")
    assert refused.headers["retry-after"] == "2"
    assert degraded["registry"]["reachable"] is False
    assert before == during
    assert_problem(elsewhere, 503, "version-unusable", "did not deliver it")
    assert len(service.lines("registry is away")) == 2
    assert len(service.lines("registry answers")) == 2
    assert not (tmp_path / "mlruns").exists()


def test_a_service_whose_registry_is_nowhere_says_so_and_stops_when_told(
    tmp_path, assert_problem, running, free_port
):
    with running(f"http://127.0.0.1:{free_port}", tmp_path) as service:
        service.wait_for(lambda: service.lines("registry is away"))
        response = service.client.get("/readyz")
        began = time.monotonic()

    assert_problem(response, 503, "not-ready", "does not answer")
    assert service.process.returncode == 0
    assert time.monotonic() - began < 60


def test_a_service_with_a_cache_starts_without_registry(registry, tmp_path, running):
    cache, away = tmp_path / "cache", registry.path.with_name("away.db")
    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        expected = service.forecast().json()
    registry.path.rename(away)

    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        degraded = service.wait_for(
            lambda: service.readyz()["state"] == "degraded" and service.readyz()
        )
        answer, metrics = service.forecast().json(), service.client.get("/metrics").text
        listed = service.client.get("/v1/models").json()["models"]
        away.rename(registry.path)
        registry.client.set_registered_model_alias("waves", "champion", "2")
        service.wait_for(lambda: service.forecast().json()["model"]["version"] == "2")
        after = service.readyz()

    assert answer == expected
    assert degraded["registry"] == {
        "reachable": False,
        "age_seconds": None,
        "recalled": True,
        "configured": True,
    }
    assert [model["name"] for model in listed] == ["my steps", "spare", "waves"]
    assert listed[2]["metrics"] == {"mase": 0.9, "skill": 0.12}
    assert "recast_registry_reachable 0.0" in metrics
    assert "recast_registry_recalled 1.0" in metrics
    assert "recast_registry_age_seconds +Inf" in metrics
    assert after["state"] == "ready"
    assert after["registry"]["recalled"] is False


CHAMPIONS = 3  # versions that the services below keep


def cached_versions(cache):
    """Return the complete versions in a cache with a saved registry, else nothing."""
    remembered = list(cache.glob("*/registry.json"))
    return remembered and sorted(cache.glob("*/*/entry.json"))


def test_a_cache_that_was_deleted_is_filled_again(registry, tmp_path, running):
    cache = tmp_path / "cache"
    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        expected, before = service.forecast().json(), cached_versions(cache)
        cache.rename(tmp_path / "gone")
        service.wait_for(lambda: len(cached_versions(cache)) == CHAMPIONS)
        after = cached_versions(cache)
    registry.path.unlink()

    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        service.wait_for(lambda: service.readyz()["state"] == "degraded")
        answer = service.forecast().json()

    assert after == before
    assert answer == expected


def test_a_cache_that_could_not_be_written_is_filled_later(registry, tmp_path, running):
    cache = tmp_path / "cache"
    cache.write_text("a file where a folder should be")
    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        cache.unlink()
        service.wait_for(lambda: len(cached_versions(cache)) == CHAMPIONS)

        assert len(service.lines("cache cannot be written")) == 1
        assert service.forecast().status_code == 200


def can_mount():
    """Return whether a small disk can be mounted in a separate name space."""
    if shutil.which("unshare") is None:
        return False
    trial = "mount -t tmpfs -o size=64k none /mnt"
    return not subprocess.run(
        ["unshare", "-rm", "sh", "-c", trial], stderr=subprocess.DEVNULL
    ).returncode


@pytest.mark.skipif(not can_mount(), reason="no disk of its own can be mounted here")
def test_a_full_disk_is_served_without_a_cache(registry, tmp_path, running):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=8k none {disk} && exec "$@"'
    prefix = ["unshare", "-rm", "sh", "-c", mount, "sh"]

    with running(registry.uri, tmp_path, prefix=prefix, cache_dir=disk) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        status = service.forecast().status_code

    assert status == 200
    (line,) = service.lines("cache cannot be written")
    assert line["reason"] == "No space left on device"
