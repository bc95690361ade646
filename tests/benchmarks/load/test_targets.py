"""Requests under load, and checks of their answers."""

import json

from benchmarks.load.targets import (
    AnswerCounts,
    forecast_body,
    invocations_target,
    many_series,
    read_histories,
    recast_target,
)

POINTS = [float(step) for step in range(12)]


class VersionedServer:
    """Answers each version with its own points, in place of a server."""

    def post(self, path, _body):
        version = path.partition("?version=")[2]
        points = [point + float(version) for point in POINTS]
        return 200, answer_of(version, points)


def answer_of(version, *points):
    forecasts = [{"point": each} for each in points]
    return json.dumps({"model": {"version": version}, "forecasts": forecasts}).encode()


def test_an_answer_is_correct_if_it_has_the_points_of_its_version():
    is_correct = recast_target("Recast", VersionedServer(), AnswerCounts()).is_correct
    first, second = ([point + offset for point in POINTS] for offset in (1.0, 2.0))

    assert is_correct(answer_of("1", first))
    assert is_correct(answer_of("2", second))
    assert not is_correct(answer_of("1", second))
    assert not is_correct(answer_of("3", first))
    assert not is_correct(answer_of("1", first[:11]))


def test_an_answer_of_many_series_is_correct_if_each_has_twelve_steps():
    is_correct = many_series(
        recast_target("Recast", VersionedServer(), AnswerCounts()), 2
    ).is_correct

    assert is_correct(answer_of("1", POINTS, POINTS))
    assert not is_correct(answer_of("1", POINTS))
    assert not is_correct(answer_of("1", POINTS, POINTS[:11]))
    assert not is_correct(answer_of("7", POINTS, POINTS))


def test_an_answer_of_mlflow_is_correct_if_it_equals_that_of_the_service():
    is_correct = invocations_target(
        "mlflow", VersionedServer(), AnswerCounts(), POINTS
    ).is_correct
    right = {"predictions": [{"point": point} for point in POINTS]}
    wrong = {"predictions": [{"point": point + 1} for point in POINTS]}

    assert is_correct(json.dumps(right).encode())
    assert not is_correct(json.dumps(wrong).encode())


def test_requests_have_histories_as_long_as_the_input_of_the_model():
    histories = read_histories(3)
    request = json.loads(forecast_body(2))

    assert [len(values) for values in histories] == [24] * 3
    assert histories[1][1:] == histories[0][:-1]
    assert (request["horizon"], request["levels"]) == (12, [80.0, 95.0])
    assert len({each["id"] for each in request["series"]}) == 2
