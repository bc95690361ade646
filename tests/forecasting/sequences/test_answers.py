"""Answers of trained models: tables, MLflow's interface, explanation."""

import numpy as np
import pandas as pd
import pytest

from forecasting import GRUClassifier, RNNClassifier, SequenceLabeler, SymbolModel
from forecasting.errors import SettingError, UnknownSymbols
from forecasting.pyfunc import _load_pyfunc
from forecasting.sequences.answers.explanation import explain_class
from forecasting.sequences.reading.columns import SequenceColumns
from forecasting.sequences.storage import load_sequence_model, save_sequence_model

COLUMNS = SequenceColumns(series_id=("id",), channels=("x",), label="kind")
QUICK = {"hidden_size": 6, "members": 2, "epochs": 40, "random_state": 0}


def make_series(count, *, steps=20, seed=0):
    """Return noise with a bump early or late, and where it is."""
    random = np.random.default_rng(seed)
    labels = ["early" if number % 2 else "late" for number in range(count)]
    series = random.normal(0, 0.1, (count, steps))
    for row, label in zip(series, labels, strict=True):
        place = 3 if label == "early" else 14
        row[place : place + 3] += 2
    return series, labels


def to_frame(series):
    rows = [(f"s{n}", value) for n, one in enumerate(series) for value in one]
    return pd.DataFrame(rows, columns=["id", "x"])


@pytest.fixture(scope="module")
def classifier():
    return GRUClassifier(**QUICK, patch_len=1).fit(*make_series(40))


def test_mlflow_gives_the_numbers_of_the_library(classifier, tmp_path):
    save_sequence_model(classifier, tmp_path / "model", COLUMNS)
    later, _ = make_series(6, seed=1)

    table = _load_pyfunc(str(tmp_path / "model")).predict(to_frame(later))

    assert table.columns.tolist() == [
        "series_id",
        "label",
        "probability_early",
        "probability_late",
    ]
    assert table["label"].tolist() == classifier.predict(later).tolist()
    expected = classifier.predict_proba(later)
    np.testing.assert_allclose(table.iloc[:, 2:].to_numpy(), expected, rtol=1e-12)


def test_labels_of_steps_are_a_row_each(tmp_path):
    series = np.sin(np.arange(120.0) / 5)
    labels = np.where(series > 0, "up", "down")
    labeler = SequenceLabeler(hidden_size=4, window=40, epochs=4, random_state=0)
    save_sequence_model(labeler.fit([series], [labels]), tmp_path / "model", COLUMNS)

    table = _load_pyfunc(str(tmp_path / "model")).predict(to_frame([series[:9]]))

    assert table["step"].tolist() == [*range(1, 10)]
    [expected] = labeler.predict([series[:9]])
    assert table["label"].tolist() == expected.tolist()


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("symbols") / "model"
    model = SymbolModel(hidden_size=16, truncate=8, epochs=60, random_state=0)
    save_sequence_model(model.fit([list("0123") * 20]), folder)
    return _load_pyfunc(str(folder))


def test_the_next_symbol_follows_each_series(counting):
    frame = pd.DataFrame({"series_id": ["a", "a", "b"], "symbol": [2, 3, 0]})

    table = counting.predict(frame)

    assert table["series_id"].tolist() == ["a", "b"]
    assert table["symbol"].tolist() == ["0", "1"]
    assert (table["probability"] > 0.5).all()


def test_symbols_are_generated_from_a_seed(counting):
    frame = pd.DataFrame({"series_id": ["a", "a"], "symbol": ["2", "3"]})
    params = {"length": 5, "temperature": 0.1, "seed": 0}

    table = counting.predict(frame, params)

    assert "".join(table["symbol"]) == "01230"
    assert table["step"].tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(SettingError, match="temperature"):
        counting.predict(frame, params | {"temperature": 0})
    with pytest.raises(UnknownSymbols, match="of series 'a': '9'"):
        counting.predict(frame.assign(symbol="9"))


def test_a_length_is_of_symbols_alone(classifier, tmp_path):
    save_sequence_model(classifier, tmp_path / "model", COLUMNS)

    with pytest.raises(SettingError, match="0 for a model of the task classify"):
        _load_pyfunc(str(tmp_path / "model")).predict(
            to_frame(make_series(1)[0]), {"length": 5}
        )


def test_columns_are_stored_with_the_model(classifier, tmp_path):
    save_sequence_model(classifier, tmp_path / "model", COLUMNS)
    loaded = load_sequence_model(tmp_path / "model")
    save_sequence_model(loaded, tmp_path / "again")

    assert loaded.columns_ == COLUMNS
    assert load_sequence_model(tmp_path / "again").columns_ == COLUMNS
    assert classifier.columns_.channels == ("value",)


def test_an_explanation_finds_the_steps_that_decided():
    model = GRUClassifier(**QUICK, patch_len=4).fit(*make_series(80))
    series, labels = make_series(2, seed=2)

    for one, label in zip(series, labels, strict=True):
        why = explain_class(model, one)
        parts = np.abs(why.parts[:, 0])

        assert (why.label, why.share) == (label, 1.0)
        assert why.parts.shape == (20, 1)
        bumps = [*range(3, 6), *range(14, 17)]
        assert parts[bumps].mean() > 2 * np.delete(parts, bumps).mean()
    with pytest.raises(UnknownSymbols, match="'never'"):
        explain_class(model, series[0], "never")


def test_the_parts_of_a_linear_network_sum_to_its_logit():
    # One step and small numbers: tanh is linear, so that gradient times input is the
    # logit without its bias.
    series, labels = make_series(20, steps=17)
    model = RNNClassifier(**QUICK, normalization="none").fit(series * 1e-4, labels)
    one = series[0] * 1e-4

    why = explain_class(model, one)

    zero = explain_logits(model, np.zeros(17))
    change = explain_logits(model, one) - zero
    code = model.classes_.tolist().index(why.label)
    assert why.parts.sum() == pytest.approx(change[code], rel=1e-2)


def explain_logits(model, one):
    """Return the mean logits of the networks for one series."""
    import torch

    values = torch.from_numpy(one)[None, :, None]
    values = torch.nn.functional.pad(values, (0, 0, 0, -len(one) % model.patch_len_))
    with torch.no_grad():
        return np.mean([n.logits(values)[0][0].numpy() for n in model.networks_], 0)
