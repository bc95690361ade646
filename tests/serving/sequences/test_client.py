"""The client's frames have the numbers of the library."""

import asyncio

import numpy as np
import pandas as pd
import pytest

from forecasting.sequences.answers.tables import generate_table, predict_table
from forecasting.sequences.reading.tables import SequenceData
from serving.client import AsyncClient, Client, ProblemAnswer

BEATS = {"a": np.ones((12, 2)), "b": np.zeros((20, 2))}
STEPS = {"a": [0.1, 0.4, 0.2], "b": np.linspace(-1, 1, 30)}
TEXTS = {"a": "hel", "b": "wo"}


def expected_table(models, name, data):
    arrays = [one if isinstance(one, str) else np.asarray(one) for one in data.values()]
    series = SequenceData(tuple(data), arrays)
    return predict_table(models[name], series)


@pytest.fixture
def client(sequences):
    with Client(sequences.url) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "call", "data"),
    [("hearts", Client.classify, BEATS), ("states", Client.label, STEPS)],
)
def test_frames_are_the_tables_of_the_library(client, models, name, call, data):
    expected = expected_table(models, name, data)

    frame = call(client, name, data)

    pd.testing.assert_frame_equal(frame, expected, check_dtype=False, atol=1e-6)
    assert frame.attrs["model"] == {"name": name, "version": "1", "alias": "champion"}


def test_an_explained_class_has_the_parts_of_the_steps(client):
    frame = client.classify("hearts", {"a": [[1.0, 2.0]] * 7}, explain=True, version=1)

    assert np.shape(frame["parts"][0]) == (7, 2)
    assert frame["share"].tolist() == [1.0]
    assert frame.attrs["model"]["alias"] is None


def test_the_next_symbols_are_ranked(client, models):
    expected = expected_table(models, "letters", TEXTS)

    first = client.next_symbol("letters", TEXTS)
    several = client.next_symbol("letters", TEXTS, top=3)

    pd.testing.assert_frame_equal(
        first.drop(columns="rank"), expected, check_dtype=False
    )
    assert several["rank"].tolist() == [1, 2, 3] * 2


def test_generated_symbols_are_those_of_the_library(client, models):
    data = SequenceData(("a",), ["he"])
    expected = generate_table(models["letters"], data, 20, random_state=4)

    answer = client.generate("letters", "he", length=20, random_state=4)

    assert answer["symbols"] == expected["symbol"].tolist()
    assert client.generate("events", ["login"], length=3)["text"] is None


def test_the_asynchronous_client_has_the_same_calls(sequences, client):
    async def call_all():
        async with AsyncClient(sequences.url) as other:
            return (
                await other.classify("hearts", BEATS),
                await other.label("states", STEPS),
                await other.next_symbol("letters", TEXTS, top=2),
                await other.generate("letters", "h", random_state=1),
            )

    classes, labels, symbols, generated = asyncio.run(call_all())

    pd.testing.assert_frame_equal(classes, client.classify("hearts", BEATS))
    pd.testing.assert_frame_equal(labels, client.label("states", STEPS))
    pd.testing.assert_frame_equal(symbols, client.next_symbol("letters", TEXTS, top=2))
    assert generated == client.generate("letters", "h", random_state=1)


def test_missing_values_and_other_tasks_are_refused(client):
    with pytest.raises(ValueError, match="series 'a' has a value that is missing"):
        client.label("states", {"a": [0.1, float("nan")]})
    with pytest.raises(ProblemAnswer, match="has the task 'label'"):
        client.classify("states", STEPS)
