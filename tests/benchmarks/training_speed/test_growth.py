"""Time and memory of training on a number of series."""

import json

import pytest

from benchmarks.training_speed import growth


def test_growth_is_measured_against_the_bytes_of_the_series(capsys):
    growth.main(["--series", "2"])

    figures = json.loads(capsys.readouterr().out)
    assert figures["points"] == 400
    assert figures["data_mb"] == pytest.approx(400 * 16 / 1e6)
    assert 0 <= figures["more_mb"] < 500
