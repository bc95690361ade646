"""Versions read through the disk cache, with and without the registry."""

import pytest

from serving.registry.load_failures import ForeignModel, LoadError
from serving.registry.mlflow_registry import MlflowRegistry
from serving.registry.model_source import ModelSource


@pytest.fixture
def source(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    return ModelSource(MlflowRegistry(), str(tmp_path / "cache"), 2**30)


def test_a_version_on_disk_is_loaded_without_the_registry(source, registry):
    registered, first = source.read(), source.load("waves", "1", 5)
    registry.path.unlink()

    again = source.load("waves", "1", 5)

    assert source.read_cached() == registered
    assert again.details == first.details
    assert again.details.metrics == {"mase": 0.9, "skill": 0.12}
    with pytest.raises(LoadError, match="the registry did not deliver it"):
        source.load("waves", "2", 5)


@pytest.mark.parametrize(
    ("name", "version", "error"),
    [("waves", "3", LoadError), ("other", "1", ForeignModel)],
)
def test_a_version_that_is_refused_is_not_written_to_the_disk(
    source, name, version, error
):
    with pytest.raises(error):
        source.load(name, version, 5)

    assert source.cache.find(name, version, 5) is None


def test_without_a_folder_there_is_no_cache_to_read(source):
    bare = ModelSource(MlflowRegistry())

    model = bare.load("waves", "1")

    assert (model.name, model.version) == ("waves", "1")
    assert bare.cache is None
    assert bare.read_cached() is None
