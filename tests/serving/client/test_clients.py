"""The Python client returns the library's forecasts through a real service."""

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import Panel
from forecasting.explanation.explain import explain
from forecasting.zeroshot import zero_shot
from serving.client import (
    AsyncClient,
    Client,
    Explanation,
    ModelDetails,
    ModelSummary,
    ProblemAnswer,
    series_of,
)
from serving.forecasts.explain import ExplainAnswer
from serving.schemas import forecast as schemas

DOCUMENT = Path(__file__).parents[3] / "docs" / "clients.md"
DAYS = pd.date_range("2024-03-01", periods=7, freq="D")
VALUES = {"x": [10.0, 11.5, 12.0, 11.0, 10.5, 9.5, 9.0], "y": [1.0, 2, 3, 5, 8, 13, 21]}
FRAME = pd.DataFrame(
    {
        "series_id": ["x"] * 7 + ["y"] * 7,
        "timestamp": [*DAYS, *DAYS],
        "target": VALUES["x"] + VALUES["y"],
    }
)


@pytest.fixture
def client(service):
    with Client(service.url) as client:
        yield client


@pytest.fixture
def forecaster(library):
    return library["waves", "1"]


def assert_same(frame, expected):
    pd.testing.assert_frame_equal(
        frame, expected, check_dtype=False, check_index_type=False, rtol=1e-5
    )


def test_the_series_seen_in_training_go_on(client, forecaster):
    frame = client.forecast("waves", horizon=5, levels=[50, 90])

    assert_same(frame, forecaster.predict(horizon=5, levels=[50, 90]).to_frame())
    answering = {"name": "waves", "version": "1", "alias": "champion"}
    assert frame.attrs["model"] == answering


def test_a_long_frame_gives_the_columns_of_the_command_line(client, forecaster):
    stamps = dict.fromkeys(VALUES, DAYS.to_numpy())
    panel = Panel.from_values(VALUES, timestamps=stamps, freq="D")

    frame = client.forecast("waves", FRAME)

    assert_same(frame, forecaster.predict(panel).to_frame())
    assert frame["timestamp"].dtype.kind == "M"


def test_a_forecast_needs_no_model(client, service):
    expected = zero_shot(FRAME, horizon=3, levels=[50])

    frame = client.zero_shot(FRAME, horizon=3, levels=[50])

    assert_same(frame, expected.to_frame())
    assert frame.attrs["model"]["name"] == "zero_shot"

    async def ask():
        async with AsyncClient(service.url) as other:
            return await other.zero_shot(VALUES, freq="D", season_length=1)

    stamps = dict.fromkeys(VALUES, DAYS.to_numpy())
    panel = Panel.from_values(VALUES, timestamps=stamps, freq="D")
    plain = zero_shot(panel, season_length=1).to_frame().assign(timestamp=None)
    assert_same(asyncio.run(ask()), plain)


def test_columns_of_other_names_are_named(client):
    other = FRAME.rename(columns={"series_id": "shop", "timestamp": "day"})
    other = other.rename(columns={"target": "sales"})

    frame = client.forecast(
        "waves", series_of(other, time="day", target="sales", series_id="shop")
    )

    assert_same(frame, client.forecast("waves", FRAME))


def test_plain_lists_have_no_timestamps(client, forecaster):
    expected = forecaster.predict(Panel.from_values(VALUES, freq="D")).to_frame()

    frame = client.forecast("waves", VALUES)

    assert frame["timestamp"].isna().all()
    assert_same(frame.drop(columns="timestamp"), expected.drop(columns="timestamp"))


def test_a_model_without_dates_counts_steps(client, library):
    frame = client.forecast("my steps")

    assert_same(frame, library["my steps", "1"].predict().to_frame())


def test_an_alias_or_a_version_is_asked(client):
    by_alias = client.forecast("waves", alias="challenger")
    by_version = client.forecast("waves", version=2)

    answering = {"name": "waves", "version": "2"}
    assert by_alias.attrs["model"] == {**answering, "alias": "challenger"}
    assert by_version.attrs["model"] == {**answering, "alias": None}
    np.testing.assert_array_equal(by_alias["point"], by_version["point"])


def test_explanations_and_models_arrive(client, forecaster):
    explanation = client.explain("waves", VALUES)

    expected = explain(forecaster, Panel.from_values(VALUES, freq="D"))
    np.testing.assert_allclose(explanation["sensitivity"], expected.sensitivity)
    alone = client.explain("waves", VALUES, network=True)
    assert alone["sensitivity"] != explanation["sensitivity"]
    assert [model["name"] for model in client.models()] == [
        "my steps",
        "spare",
        "waves",
    ]
    assert client.model("waves", version=2)["series_ids"][0] == "a"


@pytest.mark.parametrize(
    ("typed", "schema"),
    [
        (ModelSummary, schemas.ModelSummary),
        (ModelDetails, schemas.ModelDetails),
        (Explanation, ExplainAnswer),
    ],
)
def test_what_is_typed_is_what_the_service_sends(typed, schema):
    assert set(typed.__annotations__) == set(schema.model_fields)


def test_a_refusal_carries_the_problem(client):
    with pytest.raises(ProblemAnswer, match=r"422 .*at least 6") as caught:
        client.forecast("waves", {"a": [1.0]})

    problem = caught.value
    assert problem.status == 422
    assert problem.type == "urn:recast:problem:series-too-short"
    assert problem.errors[0]["loc"] == ["body", "series", 0, "values"]
    assert len(problem.request_id) == 32
    with pytest.raises(ProblemAnswer, match=r"404 .*There is no model 'a b\?'"):
        client.model("a b?")


def test_the_async_client_gives_the_same(service, client):
    async def ask():
        async with AsyncClient(service.url) as asynchronous:
            frames = await asyncio.gather(
                asynchronous.forecast("waves", FRAME),
                asynchronous.forecast("waves", VALUES, horizon=1, levels=[80]),
            )
            with pytest.raises(ProblemAnswer, match="no model 'wave'"):
                await asynchronous.model("wave")
            explanation = await asynchronous.explain("waves", VALUES)
            models = await asynchronous.models()
            return frames, explanation, models

    (dated, plain), explanation, models = asyncio.run(ask())

    assert_same(dated, client.forecast("waves", FRAME))
    assert_same(plain, client.forecast("waves", VALUES, horizon=1, levels=[80]))
    assert explanation == client.explain("waves", VALUES)
    assert models == client.models()


@pytest.mark.parametrize("kind", [" Client(", "AsyncClient("])
def test_the_documents_examples_run_as_printed(
    service, tmp_path, monkeypatch, capsys, kind
):
    [block] = [
        part.partition("```")[0]
        for part in DOCUMENT.read_text().split("```py\n")[1:]
        if kind in part.partition("```")[0]
    ]
    named = FRAME.rename(columns={"series_id": "shop", "timestamp": "day"})
    named.rename(columns={"target": "sales"}).to_csv(tmp_path / "sales.csv")
    monkeypatch.chdir(tmp_path)
    for printed, tested in (
        ("http://127.0.0.1:8000", service.url),
        ('forecast("sales"', 'forecast("waves"'),
        ('model("sales"', 'model("waves"'),
    ):
        block = block.replace(printed, tested)

    exec(block, {})

    assert capsys.readouterr().out


def test_the_client_loads_neither_the_service_nor_the_library():
    code = (
        "import sys, serving.client\n"
        "heavy = 'fastapi torch pandas numpy pydantic mlflow forecasting'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
