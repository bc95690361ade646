"""The next symbol, and generated ones, are those of the library."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import numpy as np
import pytest

from serving.schemas.sequences import GenerateAnswer, NextAnswer


def test_the_next_symbols_are_those_of_the_library(ask, models):
    model = models["letters"]
    [row] = model.predict_proba(["hel"])
    codes = np.argsort(-row, kind="stable")[:3]

    body = {"series": [{"id": "a", "symbols": "hel"}], "top": 3}
    answer = ask("letters", "next", body).json()

    NextAnswer.model_validate(answer)
    [found] = answer["predictions"]
    assert found["id"] == "a"
    assert found["symbol"] == model.predict(["hel"])[0]
    assert [one["symbol"] for one in found["top"]] == model.alphabet_.decode(codes)
    np.testing.assert_allclose(
        [one["probability"] for one in found["top"]], row[codes], rtol=1e-12
    )
    assert found["probability"] == found["top"][0]["probability"]


def test_more_symbols_than_there_are_list_all(ask, models):
    body = {"series": [{"id": "a", "symbols": ["login"]}], "top": 100}

    [found] = ask("events", "next", body).json()["predictions"]

    assert len(found["top"]) == len(models["events"].alphabet_)
    assert sum(one["probability"] for one in found["top"]) == pytest.approx(1)


def test_generated_characters_are_those_of_the_library(ask, models):
    expected = models["letters"].sample(
        30, seed="he", temperature=0.7, top_k=3, random_state=5
    )
    body = {"seed": "he", "length": 30, "temperature": 0.7, "top_k": 3}

    answer = ask("letters", "generate", body | {"random_state": 5}).json()

    GenerateAnswer.model_validate(answer)
    assert answer["symbols"] == expected
    assert answer["text"] == "".join(expected)
    assert answer["stopped"] is False


def test_a_stop_symbol_ends_the_generation(ask, models):
    body = {"seed": ["login"], "length": 400, "stop": "logout", "random_state": 1}
    expected = models["events"].sample(
        400, seed=["login"], stop="logout", random_state=1
    )

    answer = ask("events", "generate", body).json()

    assert answer["symbols"] == expected
    assert (answer["text"], answer["stopped"]) == (None, True)


def test_an_empty_body_begins_with_a_drawn_symbol(sequences):
    answer = sequences.client.post("/v1/models/letters/generate").json()

    assert len(answer["symbols"]) == 100


def test_symbols_that_the_training_did_not_have_are_named(ask, assert_problem):
    series = {"series": [{"id": "a", "symbols": "hexl"}]}
    loc = ["body", "series", 0, "symbols"]

    following = ask("letters", "next", series)
    generated = ask("letters", "generate", {"seed": "hexl"})

    assert_problem(following, 422, "unknown-symbols", "'x'", loc)
    assert_problem(generated, 422, "unknown-symbols", "'x'", ["body", "seed"])


def test_a_text_for_a_model_of_other_symbols_is_refused(ask, assert_problem):
    series = {"series": [{"id": "a", "symbols": "login"}]}

    for response in (
        ask("events", "next", series),
        ask("events", "generate", {"seed": "login"}),
    ):
        assert_problem(response, 422, "request-error", "a list of symbols is needed")


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("temperature", 0, "temperature must be from 0.001 to 100; found 0"),
        ("temperature", -1.5, "found -1.5"),
        ("top_k", 0, "a whole number of at least 1 is needed; found 0"),
        ("length", 0, "a whole number of at least 1 is needed; found 0"),
        ("length", 501, "at most 500 symbols; found 501"),
        ("stop", "!", "stop must be a symbol of the training; found '!'"),
        ("random_state", -1, "a whole number of at least 0 is needed; found -1"),
        ("speed", 1, "unknown key; there is seed, length, temperature"),
    ],
)
def test_settings_out_of_range_are_named(ask, assert_problem, setting, value, text):
    response = ask("letters", "generate", {setting: value})

    kind = response.json()["type"].rpartition(":")[2]
    assert kind in ("request-error", "setting-error")
    assert_problem(response, 422, kind, text, ["body", setting])


def test_an_empty_series_of_symbols_is_refused(ask, assert_problem):
    response = ask("letters", "next", {"series": [{"id": "a", "symbols": ""}]})

    assert_problem(response, 422, "invalid-series", "it is empty")


def test_a_seed_beyond_the_limit_is_refused(ask, assert_problem):
    response = ask("letters", "generate", {"seed": "hello" * 601})

    assert_problem(response, 413, "request-too-large", "3,005 observations")


def test_forecasts_go_on_beside_long_generations(sequences):
    path = f"{sequences.url}/v1/models/letters/generate"
    with ThreadPoolExecutor(8) as threads:
        post = partial(httpx.post, path, json={"length": 500}, timeout=180)
        pending = [threads.submit(post) for _ in range(24)]
        forecast = sequences.forecast()
        answers = [future.result() for future in pending]

    assert forecast.status_code == 200
    assert {len(answer.json()["symbols"]) for answer in answers} == {500}
