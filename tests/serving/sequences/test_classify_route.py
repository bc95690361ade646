"""The probabilities that the service gives are those of the library."""

import numpy as np
import pytest

from forecasting.sequences.answers.explanation import explain_class
from serving.schemas.sequences import ClassifyAnswer

RANDOM = np.random.default_rng(1)
SERIES = [RANDOM.normal(size=(n, 2)) for n in (12, 30, 12, 500)]
BODY = {
    "series": [{"id": f"s{n}", "values": one.tolist()} for n, one in enumerate(SERIES)]
}


def test_classes_and_probabilities_are_those_of_the_library(ask, models):
    model = models["hearts"]
    expected = model.predict_proba(SERIES)

    answer = ask("hearts", "classify", BODY).json()

    ClassifyAnswer.model_validate(answer)
    assert [answer[key] for key in ("model", "version", "alias", "classes")] == [
        "hearts",
        "1",
        "champion",
        ["fast", "slow"],
    ]
    rows = answer["predictions"]
    assert [row["id"] for row in rows] == ["s0", "s1", "s2", "s3"]
    assert [row["label"] for row in rows] == model.predict(SERIES).tolist()
    probabilities = [row["probabilities"] for row in rows]
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert "parts" not in rows[0]


def test_a_series_has_the_same_answer_alone_and_among_others(ask):
    together = ask("hearts", "classify", BODY).json()["predictions"]
    alone = [
        ask("hearts", "classify", {"series": [one]}).json()["predictions"][0]
        for one in BODY["series"]
    ]

    for one, other in zip(alone, together, strict=True):
        assert one["label"] == other["label"]
        np.testing.assert_allclose(
            one["probabilities"], other["probabilities"], atol=1e-6
        )


def test_an_explanation_has_the_part_of_each_step_and_channel(ask, models):
    expected = explain_class(models["hearts"], SERIES[0])

    body = {"series": BODY["series"][:1], "explain": True}
    [row] = ask("hearts", "classify", body, version=1).json()["predictions"]

    assert row["label"] == expected.label
    np.testing.assert_allclose(row["parts"], expected.parts, rtol=1e-9)
    assert row["share"] == 1.0


@pytest.mark.parametrize(
    ("values", "place", "text"),
    [
        ([[1.0, 2.0], [1.0, None]], [1, 1], "a number is needed; found null"),
        ([[1.0, 2.0], [1.0]], [1], "'x', 'y'; found a list of 1"),
        ([1.0, 2.0], [0], "a list of 2 numbers at each step is needed"),
        ([], [], "a list of at least 1 item is needed"),
        ([[1.0, 2.0], "x"], [1], "a number or a list is needed"),
    ],
)
def test_values_that_cannot_be_read_are_named(ask, assert_problem, values, place, text):
    body = {"series": [{"id": "a", "values": values}]}

    response = ask("hearts", "classify", body)

    loc = ["body", "series", 0, "values", *place]
    assert_problem(response, 422, "request-error", text, loc)


def test_numbers_far_beyond_the_training_are_refused(ask, assert_problem):
    body = {"series": [{"id": "a", "values": [[1e308, -1e308]] * 3}]}

    response = ask("hearts", "classify", body)

    if response.status_code == 200:  # the network saturates: finite probabilities
        assert sum(response.json()["predictions"][0]["probabilities"]) == pytest.approx(
            1
        )
    else:
        assert_problem(response, 422, "request-error", "far beyond")


def test_more_series_or_numbers_than_the_limits_are_refused(ask, assert_problem):
    many = {"series": [{"id": "a", "values": [[1, 2]]}] * 21}
    long = {"series": [{"id": "a", "values": [[1, 2]] * 1501}]}
    explained = {"series": [{"id": "a", "values": [[1, 2]] * 1500}], "explain": True}

    assert_problem(ask("hearts", "classify", many), 413, "request-too-large", "series")
    for body in (long, explained):
        assert_problem(ask("hearts", "classify", body), 413, "request-too-large")
