import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import ArtifactError, SettingError
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.storage.artifact import (
    CONFIG,
    FORMAT_VERSION,
    LATEST_FORMAT,
    TENSORS,
    locate_artifact,
    read_artifact,
    write_artifact,
)
from forecasting.io import read_frame
from forecasting.models.config import RecurrentConfig
from forecasting.scaling.methods import METHODS
from forecasting.training import TrainingConfig


def panel(**settings):
    time = np.arange(60)
    return Panel.from_values(
        {"a": 20 + 5 * np.sin(0.3 * time), "b": 300 + 50 * np.cos(0.5 * time[:40])},
        **settings,
    )


def fit(series=None, **model):
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=5, horizon=2),
        model=RecurrentConfig(**{"hidden_size": 4, **model}),
        training=TrainingConfig(device="cpu", epochs=1),
    )
    return forecaster.fit(panel() if series is None else series)


@pytest.fixture(scope="module")
def model():
    return fit()


@pytest.fixture
def saved(model, tmp_path):
    """Return the folder of a saved model."""
    model.save(tmp_path / "model")
    return tmp_path / "model"


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def same_forecasts(model_a, model_b):
    first, second = (m.predict(horizon=7, levels=[50, 95]) for m in (model_a, model_b))
    return (
        first.series_ids == second.series_ids
        and np.array_equal(first.points, second.points)
        and np.array_equal(first.timestamps, second.timestamps)
        and all(
            np.array_equal(first.intervals[level], second.intervals[level])
            for level in (50, 95)
        )
    )


# Saved and loaded


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "lstm"},
        {"cell": "gru", "num_layers": 2, "members": 3},
        {"cell": "rnn", "nonlinearity": "relu", "strategy": "recursive"},
        {"cell": "mlp", "strategy": "seq2seq"},
        {"strategy": "seq2seq", "bidirectional": True, "members": 2},
        {"bidirectional": True, "merge": "mul", "linear_skip": False},
        {"loss_at": "step", "linear_skip": False},
        *({"normalization": method} for method in METHODS),
    ],
)
def test_a_loaded_model_forecasts_bit_for_bit_the_same(settings, tmp_path):
    forecaster = fit(**settings)

    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    assert same_forecasts(forecaster, loaded)
    points = loaded.predict(panel()).points
    np.testing.assert_array_equal(points, forecaster.predict(panel()).points)
    assert loaded.model == forecaster.model
    assert loaded.windows == forecaster.windows
    assert loaded.training == forecaster.training


def test_a_loaded_model_carries_its_settings(tmp_path):
    model = fit(season_length=3, quantiles=(0.1, 0.9))
    model.save(tmp_path / "model")

    trained = Forecaster.load(tmp_path / "model", device="cpu").trained

    assert trained.config == model.config
    assert trained.method == model.trained.normalizer.method
    assert (trained.seq_len, trained.horizon, trained.season_length) == (5, 2, 3)
    assert trained.quantiles == (0.1, 0.5, 0.9)
    assert trained.device == torch.device("cpu")
    assert trained.memory == 5


def test_dates_and_names_come_back(tmp_path):
    month = np.datetime64("2000-01", "M") + np.arange(60)
    dated = panel(timestamps={"a": month, "b": month[:40]}, target="Sunspots")
    forecaster = fit(dated)

    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    assert same_forecasts(forecaster, loaded)
    assert loaded.trained.context.target == "Sunspots"
    assert loaded.trained.context.calendar == dated.calendar


def test_saving_what_was_loaded_writes_the_same_files(saved, tmp_path):
    Forecaster.load(saved).save(tmp_path / "again")

    assert contents(saved) == contents(tmp_path / "again")


def test_a_model_inside_an_mlflow_model_is_found(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "mlflow" / "data" / "model")
    (tmp_path / "mlflow" / "MLmodel").write_text("flavors: {}")

    assert (
        locate_artifact(tmp_path / "mlflow") == tmp_path / "mlflow" / "data" / "model"
    )
    Forecaster.load(tmp_path / "mlflow")


def test_loading_leaves_the_random_numbers_of_the_caller_alone(saved):
    torch.manual_seed(5)
    expected = torch.get_rng_state()

    Forecaster.load(saved)

    assert torch.equal(torch.get_rng_state(), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mlp"])
def test_a_model_trained_on_cuda_forecasts_the_same_on_the_cpu(cell, tmp_path):
    forecaster = Forecaster(
        model=RecurrentConfig(cell=cell, hidden_size=4, members=2),
        training=TrainingConfig(device="cuda", epochs=2),
    ).fit(panel())

    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model", device="cpu")

    expected = forecaster.predict(horizon=7).points
    np.testing.assert_allclose(loaded.predict(horizon=7).points, expected, rtol=1e-4)


def test_a_device_that_is_not_there_is_refused(saved):
    with pytest.raises(SettingError, match="device must be auto or one that is here"):
        Forecaster.load(saved, device="tpu")


# Nothing that could run


def test_the_folder_holds_json_and_tensors_and_nothing_else(saved):
    config = json.loads((saved / CONFIG).read_text(encoding="utf-8"))
    tensors = load_file(saved / TENSORS)

    assert list(contents(saved)) == [CONFIG, TENSORS]
    assert config["format_version"] == FORMAT_VERSION
    assert len(tensors) > 6


def test_other_files_in_the_folder_are_never_opened(saved, tmp_path):
    marker = tmp_path / "executed"
    bomb = f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()  # runs when unpickled
    for name in ("model.pkl", "model.pt", "pytorch_model.bin", "python_model.pkl"):
        (saved / name).write_bytes(bomb)
    (saved / "__init__.py").write_text(f"open({str(marker)!r}, 'w')")

    Forecaster.load(saved)

    assert not marker.exists()


def test_a_pickle_in_place_of_the_tensors_is_not_executed(saved, tmp_path):
    marker = tmp_path / "executed"
    (saved / TENSORS).write_bytes(f"cos\nsystem\n(S'touch {marker}'\ntR.".encode())

    with pytest.raises(ArtifactError, match="it is damaged"):
        Forecaster.load(saved)
    assert not marker.exists()


def test_a_saved_torch_module_in_place_of_the_tensors_is_refused(saved):
    torch.save({"weights": torch.zeros(2)}, saved / TENSORS)

    with pytest.raises(ArtifactError, match="it is damaged"):
        Forecaster.load(saved)


# Whole or not at all


def test_an_older_model_is_replaced_as_a_whole(saved):
    newer = fit(cell="gru", members=2)

    newer.save(saved)

    assert same_forecasts(newer, Forecaster.load(saved, device="cpu"))
    assert list(contents(saved)) == [CONFIG, TENSORS]
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_place_that_holds_something_else_is_left_alone(model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(
        ArtifactError, match=r"something else is there\. Choose another"
    ):
        model.save(tmp_path)
    with pytest.raises(ArtifactError, match="something else is there"):
        model.save(tmp_path / "notes.txt")
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_a_parent_that_is_a_file_is_an_error(model, tmp_path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(
        ArtifactError, match=r"cannot be written \(.+\)\. Choose another"
    ):
        model.save(tmp_path / "file" / "model")
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_failure_in_the_middle_leaves_the_old_model_as_it_was(saved):
    before, tensor = contents(saved), torch.zeros(2)

    with pytest.raises(RuntimeError, match="share memory"):
        write_artifact(saved, {}, {"one": tensor, "same": tensor})
    with pytest.raises(TypeError, match="JSON"):  # after the tensors were written
        write_artifact(saved, {"broken": object()}, {"tensor": tensor})

    assert contents(saved) == before
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_failure_in_the_middle_leaves_nothing_behind(tmp_path):
    with pytest.raises(TypeError, match="JSON"):
        write_artifact(tmp_path / "model", {"broken": object()}, {"t": torch.zeros(2)})

    assert list(tmp_path.iterdir()) == []


def test_missing_parents_are_made(model, tmp_path):
    model.save(tmp_path / "some" / "where" / "model")

    Forecaster.load(tmp_path / "some" / "where" / "model")


# Missing, damaged, too new


def edit_config(folder, **changes):
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps({**config, **changes}), encoding="utf-8")


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(
        ArtifactError, match=r"there is no file config\.json\. Give the"
    ):
        Forecaster.load(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "model").write_text("{}")

    with pytest.raises(ArtifactError, match=r"there is no file config\.json"):
        Forecaster.load(tmp_path / "model")


def test_a_folder_without_tensors_is_an_error(saved):
    (saved / TENSORS).unlink()

    with pytest.raises(ArtifactError, match=r"there is no file model\.safetensors"):
        Forecaster.load(saved)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_truncated_tensors_are_an_error(saved, size):
    content = (saved / TENSORS).read_bytes()
    (saved / TENSORS).write_bytes(content[:size])

    with pytest.raises(ArtifactError, match=r"it is damaged .* Train it again"):
        Forecaster.load(saved)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"not json", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b"3"),
        b'{"format_version": 1, "series_ids": ["\\ud800"]}',
    ],
)
def test_a_broken_config_is_an_error(saved, text):
    (saved / CONFIG).write_bytes(text)

    with pytest.raises(ArtifactError, match="it is damaged"):
        read_artifact(saved)


@pytest.mark.parametrize("version", [None, "1", 1.5, 0, -3])
def test_a_config_without_a_format_version_is_an_error(saved, version):
    edit_config(saved, format_version=version)

    with pytest.raises(ArtifactError, match=r"config\.json has no format_version"):
        Forecaster.load(saved)


def test_a_later_format_asks_for_an_update(saved):
    edit_config(saved, format_version=LATEST_FORMAT + 1)

    with pytest.raises(
        ArtifactError, match=r"its format is 6, .* up to 5\. Update Recast"
    ):
        Forecaster.load(saved)


@pytest.mark.parametrize(
    "key", ["windows", "model", "training", "normalization", "calendar", "series_ids"]
)
def test_a_missing_key_is_named(saved, key):
    config = json.loads((saved / CONFIG).read_text(encoding="utf-8"))
    del config[key]
    (saved / CONFIG).write_text(json.dumps(config), encoding="utf-8")

    with pytest.raises(ArtifactError, match=f"it is damaged .*'{key}'"):
        Forecaster.load(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows": {"seq_len": -5}}, "seq_len must be a whole number"),
        ({"windows": {"seq_len": 6, "horizon": 2}}, "size mismatch"),
        ({"windows": {"seq_len": 5, "horizon": 3}}, "shape"),
        ({"windows": {"seq_len": 5, "horizon": 2, "evil": 1}}, "unexpected keyword"),
        ({"windows": [5, 2]}, "must be a mapping"),
        ({"model": {"cell": "gru"}}, "size mismatch"),
        ({"model": {"cell": "transformer"}}, "cell must be one of"),
        ({"model": {"hidden_size": 8192, "num_layers": 32}}, "Missing key"),
        ({"normalization": "zip"}, "there is no normalization 'zip'"),
        ({"series_ids": ["a"]}, r"scaler\.center must have the shape \(1\)"),
        ({"series_ids": 5}, "not iterable"),
        ({"calendar": "D"}, "damaged"),
        ({"calendar": {"freq": None, "weekdays": None, "step": 1}}, "damaged"),
    ],
)
def test_a_config_that_does_not_fit_is_an_error(saved, changes, message):
    edit_config(saved, **changes)

    with pytest.raises(ArtifactError, match=message):
        Forecaster.load(saved)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("members.0.head.weight", torch.zeros(3, 3)),
        ("members.0.head.weight", None),
        ("members.0.extra", torch.zeros(1)),
        ("scaler.center", torch.zeros(3, dtype=torch.float64)),
        ("scaler.scale", torch.tensor(1.0)),
        ("scaler.scale", None),
        ("intervals.quantiles", torch.zeros(5, 2)),
        ("intervals.scaling", torch.zeros(3)),
        ("intervals.scaling", None),
        ("context.values", torch.zeros(7)),
        ("context.timestamps", torch.zeros(3, dtype=torch.int64)),
        ("context.offsets", torch.tensor([0, 50, 10])),
        ("context.offsets", torch.tensor([0, 10])),
    ],
)
def test_tensors_that_do_not_fit_are_an_error(saved, name, tensor):
    tensors = load_file(saved / TENSORS)
    del_or_set = {**tensors, name: tensor}
    remaining = {key: value for key, value in del_or_set.items() if value is not None}
    save_file(remaining, saved / TENSORS)

    with pytest.raises(ArtifactError, match="it is damaged"):
        Forecaster.load(saved)


def table(days=60):
    """Return two shops with covariates of all roles."""
    stamps = np.datetime64("2024-01-01", "ns") + np.arange(days) * np.timedelta64(
        1, "D"
    )
    parts = [
        pd.DataFrame(
            {
                "shop": shop,
                "day": stamps,
                "sales": 10.0 + np.arange(days) % 7,
                "visits": np.arange(days) * 1.0,
                "weather": ["sun", "rain"] * (days // 2),
                "size": size,
            }
        )
        for shop, size in (("A01", 3.0), ("A1", 5.0))
    ]
    return pd.concat(parts, ignore_index=True)


ROLES = {"past_covariates": ["visits", "weather"], "static_covariates": ["size"]}


def test_a_model_keeps_the_schema_of_its_data(tmp_path):
    read = read_frame(table(), target="sales", missing="forward", **ROLES)
    fit(read).save(tmp_path / "model")

    schema = Forecaster.load(tmp_path / "model").trained.context.schema

    assert schema == read.schema
    assert schema.series_id == ("shop",)
    assert schema.text == ("weather",)
    assert (schema.time, schema.freq, schema.missing) == (("day",), "D", "forward")


def test_series_from_values_have_a_schema_of_roles_and_frequency():
    values = {"a": np.arange(60.0)}
    series = Panel.from_values(
        values,
        timestamps={"a": table()["day"][:60].to_numpy()},
        past_covariates={"weather": {"a": ["sun", "rain"] * 30}},
        target="sales",
    )

    schema = fit(series).trained.context.schema

    assert (schema.target, schema.freq) == ("sales", "D")
    assert (schema.past_covariates, schema.text) == (("weather",), ("weather",))
    assert (schema.time, schema.series_id) == (None, None)


def test_a_model_of_format_1_has_the_schema_that_it_tells(tmp_path):
    folder = tmp_path / "model"
    fit(read_frame(table(), target="sales", **ROLES)).save(folder)
    config = json.loads((folder / CONFIG).read_text())
    del config["schema"], config["calendar"]["day"], config["calendar"]["zone"]
    config["format_version"] = 1
    (folder / CONFIG).write_text(json.dumps(config))

    forecaster = Forecaster.load(folder)

    schema = forecaster.trained.context.schema
    assert (schema.target, schema.freq) == ("sales", "D")
    assert schema.past_covariates == ("visits", "weather")
    assert schema.static_covariates == ("size",)
    assert schema.text == ("weather",)
    assert forecaster.read(table()).series_ids == ("A01", "A1")
