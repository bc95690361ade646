"""`/invocations` answers with the tables of the model in MLflow's interface."""

import pandas as pd
import pytest

from forecasting.sequences.answers.pyfunc import PyfuncSequences

BEATS = pd.DataFrame(
    {
        "beat": ["b"] * 9 + ["a"] * 40,
        "x": [0.1 * n for n in range(49)],
        "y": [1.0 - 0.1 * n for n in range(49)],
    }
)
STEPS = pd.DataFrame({"series_id": ["b"] * 3 + ["a"] * 40, "value": [0.5] * 43})
LETTERS = pd.DataFrame({"series_id": [7] * 3 + [8] * 2, "symbol": list("helwo")})
TABLES = {"hearts": BEATS, "states": STEPS, "letters": LETTERS}


@pytest.fixture(scope="module")
def scoring(models, running, tmp_path_factory):
    """Runs a service whose default model is that of a name."""

    def run(name):
        folder = tmp_path_factory.mktemp("scoring")
        return running(models.registry.uri, folder, default_model=name, max_length=50)

    return run


def split(frame):
    return {"dataframe_split": frame.to_dict(orient="split", index=False)}


def post(service, body):
    return service.client.post("/invocations", json=body)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_pyfunc(models, scoring, assert_problem, name):
    frame = TABLES[name]
    expected = PyfuncSequences(models[name]).predict(frame)

    with scoring(name) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        by_json = post(service, split(frame)).json()
        by_csv = service.client.post(
            "/invocations",
            content=frame.to_csv(index=False),
            headers={"Content-Type": "text/csv"},
        ).json()
        without = post(service, split(frame.drop(columns=frame.columns[-1])))
        params = {"params": {"length": 5, "seed": 3, "temperature": 0.5}}
        generated = post(service, split(frame) | params)
        longer = post(service, split(frame) | {"params": {"length": 40}})

    table = pd.DataFrame(by_json["predictions"])
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-9)
    assert by_json["model"]["name"] == name
    assert by_csv == by_json
    assert_problem(without, 422, "missing-columns", frame.columns[-1])
    if name == "letters":
        drawn = {"length": 5, "seed": 3, "temperature": 0.5}
        expected = PyfuncSequences(models[name]).predict(frame, drawn)
        table = pd.DataFrame(generated.json()["predictions"])
        pd.testing.assert_frame_equal(table, expected, check_dtype=False)
        assert_problem(longer, 422, "request-error", "at most 50 symbols of all")
    else:
        assert_problem(generated, 422, "request-error", "0 for a model of the task")


def test_several_models_leave_open_which_is_meant(sequences, assert_problem):
    response = post(sequences, split(BEATS))

    assert_problem(response, 404, "no-default-model", "'hearts'")
