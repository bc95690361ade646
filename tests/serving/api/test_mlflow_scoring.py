"""Bodies for MLflow's scoring server are answered with the numbers that it answers."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.models import ModelSignature
from mlflow.pyfunc.scoring_server import invocations
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

JSON = "application/json"
DAYS = pd.date_range("2024-03-01", periods=8, freq="D")
VALUES = [10.0, 11.5, 12.0, 11.0, 10.5, 9.5, 9.0, 10.0]
FRAME = pd.DataFrame(
    {
        "series_id": ["a"] * 8 + ["new"] * 8,
        "timestamp": [str(day) for day in DAYS] * 2,
        "target": VALUES + [2 * value for value in VALUES],
    }
)
PARAMS = {"horizon": 4, "levels": [50.0, 90.0]}
BODIES = {
    "split": {"dataframe_split": FRAME.to_dict(orient="split"), "params": PARAMS},
    "records": {"dataframe_records": FRAME.to_dict(orient="records")},
    "columns": {"inputs": FRAME.to_dict(orient="list"), "params": {"horizon": 2}},
    "instances": {"instances": FRAME.to_dict(orient="records"), "params": PARAMS},
    "no dates": {"inputs": {"target": VALUES}, "params": {"levels": [80]}},
    "no rows": {
        "dataframe_split": {"columns": list(FRAME), "data": []},
        "params": {"horizon": 0},
    },
    "a column too many": {"dataframe_records": [{"target": v, "x": 1} for v in VALUES]},
}

SIGNATURE = ModelSignature(  # by types, without which MLflow reads no CSV
    inputs=Schema(
        [
            ColSpec("string", "series_id", required=False),
            ColSpec("string", "timestamp", required=False),
            ColSpec("double", "target"),
        ]
    ),
    params=ParamSchema(
        [
            ParamSpec("horizon", "long", 0),
            ParamSpec("levels", "double", [80.0, 95.0], shape=(-1,)),
        ]
    ),
)


@pytest.fixture(scope="module")
def default(built, running, tmp_path_factory):
    """Run a service with the default model waves and small limits."""
    with running(
        f"sqlite:///{built}/mlflow.db",
        tmp_path_factory.mktemp("default"),
        default_model="waves",
        max_series=20,
        max_points=3000,
        max_horizon=100,
    ) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        yield service


@pytest.fixture(scope="module")
def scoring_server(built, tmp_path_factory):
    """Answer a body of a media type as MLflow's scoring server does."""
    folder = tmp_path_factory.mktemp("pyfunc") / "model"
    mlflow.pyfunc.save_model(
        folder,
        loader_module="forecasting.pyfunc",
        data_path=str(built / "waves-1"),
        pip_requirements=["torch"],
    )
    mlflow.models.set_signature(str(folder), SIGNATURE)
    model = mlflow.pyfunc.load_model(str(folder))

    def ask(body, media_type):
        schema = model.metadata.get_input_schema()
        answer = invocations(body, media_type, model, schema)
        assert answer.status == 200
        return json.loads(answer.response)["predictions"]

    return ask


def post(service, body, media_type=JSON):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return service.client.post(
        "/invocations", content=content, headers={"Content-Type": media_type}
    )


def assert_same(actual, expected):
    assert [list(row) for row in actual] == [list(row) for row in expected]
    for mine, theirs in zip(actual, expected, strict=True):
        for key in mine:
            if isinstance(mine[key], float):
                np.testing.assert_allclose(mine[key], theirs[key], rtol=1e-9)
            else:
                assert mine[key] == theirs[key], key


@pytest.mark.parametrize("name", BODIES)
def test_json_is_answered_as_mlflow_does(default, scoring_server, name):
    expected = scoring_server(json.dumps(BODIES[name]), JSON)

    answer = post(default, BODIES[name])

    assert answer.status_code == 200, answer.text
    assert_same(answer.json()["predictions"], expected)
    assert answer.json()["model"]["version"] == "1"


def test_csv_is_answered_as_mlflow_does(default, scoring_server):
    text = FRAME.to_csv(index=False)
    expected = scoring_server(text, "text/csv")

    answer = post(default, text, "text/csv; charset=utf-8")

    assert_same(answer.json()["predictions"], expected)


def test_numbers_as_series_ids_become_text_as_in_mlflow(default, scoring_server):
    rows = [{"series_id": 7, "target": value} for value in VALUES]
    expected = scoring_server(json.dumps({"dataframe_records": rows}), JSON)

    answer = post(default, {"dataframe_records": rows})

    assert_same(answer.json()["predictions"], expected)


@pytest.mark.parametrize(
    ("body", "text", "loc"),
    [
        ({}, "give exactly one of dataframe_split", ["body"]),
        (
            {"inputs": {"target": [1.0]}, "instances": []},
            "give exactly one of",
            ["body"],
        ),
        ([1], "object", ["body"]),
        ({"inputs": VALUES}, "an object is needed", ["body", "inputs", 0]),
        (
            {"instances": {"target": 1.0}},
            "a list is needed; found 1.0",
            ["body", "instances", "target"],
        ),
        ({"inputs": {"value": VALUES}}, "the model takes", ["body", "target"]),
        ({"inputs": {"target": VALUES[:3]}}, "at least 6 points", ["body"]),
        (
            {"inputs": {"target": [[1.0]]}},
            "found a list",
            ["body", "inputs", "target", 0],
        ),
        ({"inputs": {"target": [True]}}, "found true", ["body", "inputs", "target", 0]),
        ({"inputs": {"target": [1, "x"]}}, "numbers, or texts", ["body", "target"]),
        ({"inputs": {"target": [2**60] * 8}}, "at most 9,007,199", ["body", "target"]),
        (
            {"inputs": {"target": VALUES, "series_id": ["a"]}},
            "columns have one length",
            ["body"],
        ),
        (
            {"dataframe_split": {"columns": ["target"], "data": [[1.0], [1.0, 2.0]]}},
            "2 values; there are 1 columns",
            ["body", "dataframe_split", "data", 1],
        ),
        (
            {"inputs": {"target": VALUES}, "params": {"horizont": 2}},
            "unknown key; there is horizon, levels",
            ["body", "params", "horizont"],
        ),
        (
            {"inputs": {"target": VALUES}, "params": {"levels": [100]}},
            "a number of at most 99 is needed; found 100",
            ["body", "params", "levels", 0],
        ),
        (
            {"inputs": {"target": VALUES}, "params": {"horizon": 101}},
            "at most 100 steps ahead",
            ["body", "params", "horizon"],
        ),
    ],
)
def test_what_cannot_be_used_is_refused(default, assert_problem, body, text, loc):
    answer = post(default, body)

    status, kind = 422, answer.json()["type"].rpartition(":")[2]
    assert_problem(answer, status, kind, text, loc)


def test_numbers_that_are_none_are_refused(default, assert_problem):
    answer = post(default, '{"inputs": {"target": [NaN, 1, 2, 3, 4, 5, 6]}}')

    loc = ["body", "inputs", "target", 0]
    assert_problem(answer, 422, "request-error", "a finite number is needed", loc)


def test_more_than_the_limits_is_refused(default, assert_problem):
    many = {"target": VALUES * 400}
    ids = {"series_id": list(range(24)), "target": [1.0] * 24}

    too_long = post(default, {"inputs": many})
    too_many = post(default, {"inputs": ids})

    assert_problem(too_long, 413, "request-too-large", "3,200 observations")
    assert_problem(too_many, 413, "request-too-large", "24 series")


def test_another_kind_of_body_is_refused(default, assert_problem):
    answer = post(default, b"PAR1", "application/vnd.apache.parquet")

    assert_problem(answer, 415, "unsupported-media", "application/json or text/csv")


@pytest.mark.parametrize(
    "text", ["", "\xff\xfe", "a,b\n1\n2,3,4\n", "x\n1\n", "{}", "a," * 2000]
)
def test_csv_that_is_none_is_refused(default, assert_problem, text):
    answer = post(default, text.encode("latin-1"), "text/csv")

    assert_problem(answer, 422, "request-error")


def test_rows_that_are_longer_than_the_header_are_refused(default, assert_problem):
    rows = "".join(f"{value},7\n" for value in VALUES)

    answer = post(default, f"target\n{rows}", "text/csv")

    assert_problem(answer, 422, "request-error", "more values than there are columns")


@pytest.mark.parametrize("media_type", [JSON, "text/csv"])
def test_an_id_is_no_longer_than_on_our_own_route(default, assert_problem, media_type):
    frame = pd.DataFrame({"series_id": "x" * 501, "target": VALUES})
    body = {"inputs": frame.to_dict(orient="list")}
    content = body if media_type == JSON else frame.to_csv(index=False)

    answer = post(default, content, media_type)

    text = "at most 500 letters; found 501"
    assert_problem(answer, 422, "request-error", text, ["body", "series_id"])


def test_steps_in_csv_are_those_in_json(running, built, tmp_path):
    frame = pd.DataFrame({"timestamp": range(100, 108), "target": VALUES})
    uri = f"sqlite:///{built}/mlflow.db"

    with running(uri, tmp_path, default_model="my steps") as service:
        answers = [
            post(service, {"inputs": frame.to_dict(orient="list")}),
            post(service, frame.to_csv(index=False), "text/csv"),
        ]

    predictions = [answer.json()["predictions"] for answer in answers]
    assert predictions[0][0]["timestamp"] == 108
    assert predictions[0] == predictions[1]


@pytest.mark.parametrize("unit", [1, 1000, 10**6, 10**9])
def test_epochs_of_any_unit_are_dates(default, unit):
    epochs = [(day.value // 10**9) * unit for day in DAYS]
    table = {"timestamp": epochs, "target": VALUES}

    answer = post(default, {"inputs": table})
    as_csv = post(default, pd.DataFrame(table).to_csv(index=False), "text/csv")

    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["timestamp"] == "2024-03-09T00:00:00"
    assert as_csv.json()["predictions"] == answer.json()["predictions"]


@pytest.mark.parametrize(
    "days",
    [
        DAYS[:7].append(DAYS[7:] + pd.Timedelta(days=3)),  # a gap
        DAYS[:7].append(DAYS[6:7]),  # a day twice
        pd.date_range("2024-03-01", periods=8, freq="MS"),  # another frequency
        pd.date_range("2024-03-27", periods=8, freq="D", tz="Europe/Berlin").tz_convert(
            "UTC"
        ),  # a change of clocks
        ["soon"] * 8,
    ],
)
def test_advice_names_no_option_of_the_command_line(default, days):
    table = {"timestamp": [str(day) for day in days], "target": VALUES}

    answer = post(default, {"inputs": table})

    assert answer.status_code == 422
    for option in ("--", "data.", "params"):
        assert option not in answer.text


def test_without_a_default_the_choices_are_named(service, assert_problem):
    answer = post(service, {"inputs": {"target": VALUES}})

    assert_problem(
        answer, 404, "no-default-model", "there is 'my steps', 'spare', 'waves'. Set"
    )


def test_the_only_model_is_the_default(running, registry, tmp_path):
    for name in ("waves", "my steps"):
        registry.client.delete_registered_model_alias(name, "champion")

    with running(registry.uri, tmp_path) as service:
        service.wait_for(lambda: service.readyz().get("state") == "ready")
        answer = post(service, {"inputs": {"target": VALUES}})

    assert answer.json()["model"]["name"] == "spare"


def test_the_scoring_servers_other_addresses_answer(default):
    for address in ("/ping", "/health"):
        assert default.client.get(address).status_code == 200
    assert default.client.get("/version").text == mlflow.__version__


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
odd = cells | st.lists(cells, max_size=2) | st.dictionaries(st.text(), cells)
dates = st.dates().map(str) | st.integers() | cells
rows = st.fixed_dictionaries(
    {"target": st.floats() | odd},
    optional={"series_id": st.sampled_from("ab") | odd, "timestamp": dates | odd},
)
tables = st.lists(rows, max_size=9)


@settings(max_examples=150)
@given(table=tables, form=st.sampled_from(["inputs", "dataframe_records"]))
def test_any_table_is_answered_or_refused(default, table, form):
    answer = post(default, {form: table})

    assert answer.status_code in (200, 413, 422), answer.text


@settings(max_examples=100)
@given(text=st.text(max_size=60), header=st.sampled_from(["target\n", "", "target,"]))
def test_any_csv_is_answered_or_refused(default, text, header):
    answer = post(default, (header + text).encode(errors="replace"), "text/csv")

    assert answer.status_code in (200, 413, 422), answer.text


@pytest.mark.parametrize("column", ["target", "series_id"])
def test_a_column_that_comes_twice_is_refused_in_json_and_csv(
    default, assert_problem, column
):
    names = ["series_id", "target", column]
    split = {"columns": names, "data": [["a", 1.0, 2.0]] * 8}
    text = f"the column '{column}' is there 2 times"

    answer = post(default, {"dataframe_split": split})
    as_csv = post(
        default, (",".join(names) + "\n" + "a,1,2\n" * 8).encode(), "text/csv"
    )

    place = ["body", "dataframe_split", "columns"]
    assert_problem(answer, 422, "request-error", text, place)
    assert_problem(as_csv, 422, "request-error", text, ["body"])


def test_a_series_of_a_csv_may_be_named_as_a_missing_value_is_written(default):
    names = ("NA", "null", "None", "nan", "01")
    rows = [f"{name},{value}" for name in names for value in VALUES]

    answer = post(default, "\n".join(["series_id,target", *rows, ""]), "text/csv")

    assert answer.status_code == 200, answer.text
    predictions = answer.json()["predictions"]
    assert list(dict.fromkeys(row["series_id"] for row in predictions)) == list(names)


def test_a_csv_without_a_series_id_in_a_row_is_refused(default, assert_problem):
    rows = ["series_id,target", *[f"a,{value}" for value in VALUES], ",1.0"]

    answer = post(default, "\n".join(rows), "text/csv")

    assert_problem(answer, 422, "invalid-values", "1 missing series id", ["body"])
