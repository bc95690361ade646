"""A record is read back as it was written; a damaged one is refused with the reason."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from forecasting.errors import ArtifactError
from forecasting.track_record.storage import (
    MAX_FILE_BYTES,
    RECORD,
    RECORD_TENSORS,
    read_record,
    write_record,
)


@pytest.fixture
def folder(built, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    write_record(tmp_path, built.record)
    return tmp_path


def change(folder, **values):
    path = folder / RECORD
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def change_tensor(folder, name, tensor):
    tensors = load_file(folder / RECORD_TENSORS)
    save_file(tensors | {name: tensor}, folder / RECORD_TENSORS)


def test_a_record_is_read_back_as_it_was_written(built, folder):
    record = built.record

    read = read_record(folder)

    assert read.evaluation == record.evaluation
    assert (read.num_series, read.facts) == (3, record.facts)
    assert read.figures.series_ids == record.figures.series_ids
    assert read.figures.methods == record.figures.methods
    for name in ("observations", "first", "last", "mae", "baseline_mae", "coverage"):
        expected = getattr(record.figures, name)
        np.testing.assert_array_equal(getattr(read.figures, name), expected)
    for name in ("series", "ends", "points", "baseline", "bounds"):
        expected = getattr(record.backtest, name)
        np.testing.assert_array_equal(getattr(read.backtest, name), expected)
    history = record.history
    for name in ("values", "offsets", "timestamps"):
        np.testing.assert_array_equal(
            getattr(read.history, name), getattr(history, name)
        )
    assert read.history.calendar == history.calendar
    assert read.history.target == "sales"
    for name, column in history.covariates.items():
        assert read.history.covariates[name].tolist() == column.tolist()
        ahead, expected = read.history.future[name], history.future[name]
        assert ahead.values.tolist() == expected.values.tolist()
        assert ahead.offsets.tolist() == expected.offsets.tolist()
    assert read.num_bytes == record.num_bytes


def test_the_record_lies_where_mlflow_puts_the_model(folder, tmp_path):
    model = tmp_path / "downloaded"
    shutil.copytree(folder, model / "data" / "forecaster", ignore=lambda *_: ["m"])

    assert read_record(model) is not None


def test_a_model_without_a_record_has_none(tmp_path):
    assert read_record(tmp_path) is None


def test_a_number_that_is_undefined_is_null_in_the_file(built, tmp_path):
    evaluation = built.record.evaluation
    scores = {**evaluation.leaderboard, "gru": {"mase": float("nan")}}
    evaluation = replace(evaluation, leaderboard=scores)

    write_record(tmp_path, replace(built.record, evaluation=evaluation))

    assert '"gru": {"mase": null}' in (tmp_path / RECORD).read_text()
    assert np.isnan(read_record(tmp_path).evaluation.leaderboard["gru"]["mase"])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: (f / RECORD_TENSORS).unlink(), "No such file"),
        (lambda f: (f / RECORD_TENSORS).write_bytes(b"\x01" * 100), "Safetensor"),
        (lambda f: (f / RECORD).write_text("{"), "JSONDecodeError"),
        (lambda f: (f / RECORD).write_text("[1]"), "TypeError"),
        (lambda f: change(f, known=["price"]), "price"),
        (lambda f: change(f, series_ids=["one"]), "must have the shape"),
        (lambda f: change(f, series_ids=["\ud800"] * 3), "surrogates not allowed"),
        (lambda f: change(f, evaluation={}), "leaderboard"),
        (
            lambda f: change_tensor(f, "history.offsets", np.array([0, 40, 80, 93])),
            "ends after its series",
        ),
        (
            lambda f: change_tensor(f, "history.offsets", np.array([0, 85, 40, 93])),
            "do not ascend",
        ),
        (
            lambda f: change_tensor(f, "backtest.series", np.array([0, 9])),
            "belongs to no series",
        ),
        (
            lambda f: change_tensor(f, "backtest.ends", np.zeros((2, 4))),
            "must be int64",
        ),
        (
            lambda f: change_tensor(f, "backtest.points", np.zeros((2, 4, 9))),
            "points must have the shape",
        ),
    ],
)
def test_a_damaged_record_is_refused_with_the_reason(folder, damage, reason):
    damage(folder)

    with pytest.raises(ArtifactError, match=reason) as caught:
        read_record(folder)

    assert "it is damaged" in str(caught.value)


def test_a_record_that_is_too_large_is_refused_before_it_is_read(folder):
    with (folder / RECORD_TENSORS).open("r+b") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # sparse: no byte of it is on the disk

    with pytest.raises(ArtifactError, match="at most 40,000,000 are read"):
        read_record(folder)


def test_a_record_of_a_later_format_asks_for_a_later_recast(folder):
    change(folder, format_version=2)

    with pytest.raises(ArtifactError, match=r"has format 2.*Update Recast"):
        read_record(folder)
