import json

import numpy as np
import pytest

from forecasting import (
    GRUClassifier,
    SequenceLabeler,
    SymbolModel,
    load_sequence_model,
    save_sequence_model,
)
from forecasting.errors import ArtifactError, NotFittedError
from forecasting.forecaster.forecaster import Forecaster

SMALL = {"hidden_size": 6, "epochs": 2, "device": "cpu", "random_state": 0}
RANDOM = np.random.default_rng(0)
SERIES = [RANDOM.normal(size=(steps, 2)) for steps in (9, 12, 30, 11, 17, 25)]


@pytest.mark.parametrize("features", [None, "convolutions", "reservoirs"])
def test_a_loaded_classifier_gives_the_same_probabilities(tmp_path, features):
    labels = np.array(["a", "b"] * 3)
    fitted = GRUClassifier(**SMALL, features=features, members=2, validation=0.5)
    fitted.fit(SERIES, labels)
    save_sequence_model(fitted, tmp_path / "model")

    loaded = load_sequence_model(tmp_path / "model")

    np.testing.assert_allclose(
        loaded.predict_proba(SERIES), fitted.predict_proba(SERIES), rtol=0, atol=1e-12
    )
    np.testing.assert_array_equal(loaded.predict(SERIES), fitted.predict(SERIES))
    assert loaded.get_params() == fitted.get_params()
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["config.json", "model.safetensors"]


def test_a_loaded_labeler_gives_the_same_labels(tmp_path):
    labels = [(one[:, 0] > 0).astype(int) for one in SERIES]
    fitted = SequenceLabeler(**SMALL).fit(SERIES, labels)
    save_sequence_model(fitted, tmp_path / "model")

    loaded = load_sequence_model(tmp_path / "model")

    for one, other in zip(
        loaded.predict_proba(SERIES), fitted.predict_proba(SERIES), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    assert loaded.score(SERIES, labels) == fitted.score(SERIES, labels)


def test_a_loaded_symbol_model_scores_and_samples_the_same(tmp_path):
    fitted = SymbolModel(**SMALL).fit("hello " * 9)
    save_sequence_model(fitted, tmp_path / "model")

    loaded = load_sequence_model(tmp_path / "model")

    assert loaded.score("hello hello") == pytest.approx(
        fitted.score("hello hello"), abs=1e-6
    )
    assert loaded.sample(20, random_state=3) == fitted.sample(20, random_state=3)


def test_a_forecaster_refuses_a_symbol_model_by_name(tmp_path):
    save_sequence_model(SymbolModel(**SMALL).fit("hello"), tmp_path / "model")

    with pytest.raises(ArtifactError, match="it is a model of the task next"):
        Forecaster.load(tmp_path / "model")


def test_an_untrained_model_is_not_written(tmp_path):
    with pytest.raises(NotFittedError, match="this SymbolModel has not been trained"):
        save_sequence_model(SymbolModel(), tmp_path / "model")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["settings", "symbols", "task"])
def test_a_damaged_model_is_refused(tmp_path, key):
    save_sequence_model(SymbolModel(**SMALL).fit("hello"), tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    config[key] = 3
    path.write_text(json.dumps(config))

    with pytest.raises(ArtifactError, match=r"damaged|unknown task"):
        load_sequence_model(tmp_path / "model")
