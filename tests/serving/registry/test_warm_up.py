"""The trial forecast that a version must pass before it answers."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from serving.registry.load_failures import LoadError
from serving.registry.loaded_model import load_model
from serving.registry.warm_up import warm_up


@pytest.fixture
def folder(built, tmp_path):
    return shutil.copytree(built / "waves-1", tmp_path / "model")


def change_tensors(folder, prefix):
    """Fill every float tensor under a name prefix with NaN."""
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        if name.startswith(prefix) and tensor.dtype.kind == "f":
            tensors[name] = np.full_like(tensor, np.nan)
    save_file(tensors, folder / "model.safetensors")


def test_a_version_that_forecasts_numbers_passes(folder):
    model = load_model("waves", "1", folder, {"metrics": json.dumps({"mase": 0.9})})

    warm_up(model)

    assert model.details.metrics == {"mase": 0.9}


def test_a_version_whose_weights_are_no_numbers_is_refused(folder):
    change_tensors(folder, "members")
    model = load_model("waves", "1", folder, {})

    with pytest.raises(LoadError, match="it cannot make forecasts"):
        warm_up(model)


def test_a_version_whose_intervals_are_no_numbers_is_refused(folder):
    change_tensors(folder, "intervals")

    with pytest.raises(LoadError, match=r"intervals\.quantiles must be finite"):
        load_model("waves", "1", folder, {})


def test_a_damaged_file_is_refused_without_naming_the_place_of_its_folder(folder):
    (folder / "model.safetensors").write_bytes(b"half")

    with pytest.raises(LoadError, match="damaged") as refused:
        load_model("waves", "1", folder, {})

    assert str(folder) not in str(refused.value)
