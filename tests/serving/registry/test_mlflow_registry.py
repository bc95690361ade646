"""The gateway to the registry: names, aliases, versions and files."""

import pytest

from serving.registry.load_failures import ForeignModel, LoadError
from serving.registry.mlflow_registry import MlflowRegistry, RegistryDown


@pytest.fixture
def gateway(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.uri)
    return MlflowRegistry()


def test_the_registry_is_read_as_it_is(gateway):
    registered = gateway.read()

    assert sorted(registered) == ["my steps", "other", "spare", "waves"]
    assert registered["waves"].aliases == {"champion": "1", "challenger": "2"}
    assert registered["waves"].versions == ("4", "3", "2", "1")


def test_a_version_that_is_added_or_removed_is_seen(gateway, registry):
    gateway.read()

    registry.client.delete_model_version("waves", "4")

    assert gateway.read()["waves"].versions == ("3", "2", "1")


def test_no_database_is_made_where_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")

    with pytest.raises(RegistryDown, match=r"there is no file .*none\.db"):
        MlflowRegistry().read()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://me:secret@mlflow.example/x", "https://mlflow.example/x"),
        ("postgresql://me:secret@db/mlflow", "postgresql://db/mlflow"),
    ],
)
def test_a_password_in_the_uri_is_never_shown(monkeypatch, uri, shown):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    assert MlflowRegistry().shown_uri == shown


def test_a_version_is_downloaded_with_its_tags(gateway, tmp_path):
    tags = gateway.download("waves", "1", tmp_path)

    assert "metrics" in tags
    assert list(tmp_path.rglob("model.safetensors"))


def test_a_version_of_another_tool_is_refused_before_its_files_are_fetched(
    gateway, tmp_path
):
    folder = tmp_path / "files"
    folder.mkdir()

    with pytest.raises(ForeignModel):
        gateway.download("other", "1", folder)

    assert list(folder.iterdir()) == []


def test_a_version_that_there_is_not_is_not_delivered(gateway, tmp_path):
    with pytest.raises(LoadError, match="did not deliver it") as refused:
        gateway.download("waves", "77", tmp_path)

    assert "77" in refused.value.cause
