"""The label of each step is that of the library."""

import numpy as np
import pytest

from serving.schemas.sequences import LabelAnswer

SERIES = [np.sin(np.arange(n) / 5) for n in (7, 80)]
BODY = {
    "series": [{"id": f"s{n}", "values": one.tolist()} for n, one in enumerate(SERIES)]
}


def test_labels_and_probabilities_are_those_of_the_library(ask, models):
    expected = models["states"].predict_proba(SERIES)

    answer = ask("states", "label", BODY).json()

    LabelAnswer.model_validate(answer)
    assert answer["classes"] == [0, 1]
    for row, probabilities in zip(answer["predictions"], expected, strict=True):
        np.testing.assert_allclose(row["probabilities"], probabilities, rtol=1e-9)
        assert row["labels"] == probabilities.argmax(1).tolist()


def test_probabilities_may_be_left_out(ask):
    [first, _] = ask("states", "label", BODY | {"probabilities": False}).json()[
        "predictions"
    ]

    assert set(first) == {"id", "labels"}


def test_one_channel_may_be_written_as_lists(ask):
    plain = {"series": [{"id": "a", "values": [0.1, 0.2]}]}
    lists = {"series": [{"id": "a", "values": [[0.1], [0.2]]}]}

    assert ask("states", "label", plain).json() == ask("states", "label", lists).json()


@pytest.mark.parametrize("values", [[0.1, [0.2]], [[0.1, 0.3]], [[]]])
def test_steps_of_other_shapes_are_refused(ask, assert_problem, values):
    response = ask("states", "label", {"series": [{"id": "a", "values": values}]})

    assert_problem(response, 422, "request-error", "a number at each step is needed")
