"""Models of discrete series are described, swapped and cached as forecasters are."""

import shutil

import numpy as np

from forecasting import GRUClassifier, save_sequence_model
from forecasting.sequences.storage import count_bytes
from serving.schemas.sequences import ModelList, SequenceDetails

BODY = {"series": [{"id": "a", "values": [[0.1, 0.2]] * 12}]}


def test_a_classifier_is_described_with_its_classes_and_columns(sequences):
    answer = sequences.client.get("/v1/models/hearts").json()

    SequenceDetails.model_validate(answer)
    assert answer == {
        "name": "hearts",
        "version": "1",
        "alias": "champion",
        "aliases": ["champion"],
        "latest": True,
        "task": "classify",
        "cell": "gru",
        "num_classes": 2,
        "num_symbols": 0,
        "channels": ["x", "y"],
        "is_text": False,
        "num_series": 20,
        "num_rows": 900,
        "metrics": {"accuracy": 0.9},
        "columns": [
            {"name": "beat", "role": "series_id"},
            {"name": "x", "role": "channel"},
            {"name": "y", "role": "channel"},
            {"name": "kind", "role": "label"},
        ],
        "classes": ["fast", "slow"],
        "symbols": [],
        "unknown": None,
    }


def test_models_of_symbols_are_described_with_their_symbols(sequences):
    letters = sequences.client.get("/v1/models/letters").json()
    events = sequences.client.get("/v1/models/events", params={"version": 1}).json()

    assert letters["symbols"] == list(" dehlorw")
    assert (letters["is_text"], events["is_text"]) == (True, False)
    assert (events["num_symbols"], events["unknown"]) == (5, "?")
    assert events["alias"] is None


def test_all_models_are_listed_each_with_its_task(sequences):
    answer = sequences.client.get("/v1/models").json()

    ModelList.model_validate(answer)
    assert {model["name"]: model["task"] for model in answer["models"]} == {
        "events": "next",
        "hearts": "classify",
        "letters": "next",
        "my steps": "forecast",
        "spare": "forecast",
        "states": "label",
        "waves": "forecast",
    }
    assert "classes" not in answer["models"][1]
    assert answer["models"][-1]["horizon"] == 3


def test_versions_are_listed_with_their_figures(sequences):
    answer = sequences.client.get("/v1/models/hearts/versions").json()

    [version] = answer["versions"]
    assert version["metrics"] == {"accuracy": 0.9}
    assert (version["series"], version["rows"]) == (20, 900)


def test_predictions_are_counted_by_model_and_task(ask, sequences):
    ask("hearts", "classify", BODY)

    lines = sequences.client.get("/metrics").text.splitlines()

    name = 'recast_predictions_total{model="hearts",task="classify"} '
    assert any(line.startswith(name) and float(line[len(name) :]) for line in lines)


def test_bytes_in_memory_are_those_of_all_tensors(models):
    model = models["hearts"]
    weights = [p.nbytes for n in model.networks_ for p in n.parameters()]

    assert count_bytes(model) == sum(weights) + 2 * 2 * 8  # center and scale, float64


def test_a_new_version_takes_over_from_the_cache_too(
    models, running, copied_models, tmp_path
):
    cache = tmp_path / "cache"
    registry, add = copied_models
    other = GRUClassifier(hidden_size=3, epochs=1, members=1, random_state=1)
    series = [np.ones((9, 2)) * n for n in range(12)]
    other.fit(series, ["fast", "slow"] * 6)

    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        path = "/v1/models/hearts/classify"
        first = service.client.post(path, json=BODY).json()
        add("hearts", other)
        second = service.wait_for(
            lambda: (
                answer := service.client.post(path, json=BODY).json(),
                answer["version"] == "2" and answer,
            )[1]
        )
    shutil.move(registry.path, tmp_path / "away.db")
    with running(registry.uri, tmp_path, cache_dir=cache) as service:
        service.wait_for(lambda: service.readyz().get("models"))
        recalled = service.wait_for(
            lambda: (
                answer := service.client.post(path, json=BODY).json(),
                answer.get("version") and answer,
            )[1]
        )

    [expected] = other.predict_proba([np.array([[0.1, 0.2]] * 12)])
    assert first["version"] == "1"
    assert recalled == second
    np.testing.assert_allclose(
        second["predictions"][0]["probabilities"], expected, atol=1e-6
    )


def test_a_damaged_version_is_refused_and_the_last_one_answers_on(
    models, running, copied_models, tmp_path
):
    registry, add = copied_models
    damaged = tmp_path / "damaged"
    save_sequence_model(models["hearts"], damaged)
    content = (damaged / "config.json").read_text()
    (damaged / "config.json").write_text(content.replace('"classify"', '"label"'))

    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        add("hearts", damaged)
        refused = service.wait_for(lambda: service.readyz()["refused"])
        answer = service.client.post("/v1/models/hearts/classify", json=BODY)

    assert (refused[0]["name"], refused[0]["version"]) == ("hearts", "2")
    assert answer.json()["version"] == "1"
