"""A training job in a fresh process."""

import json

import pytest

from benchmarks.common.job import Job
from benchmarks.common.plan import write_set
from benchmarks.training_speed import fresh
from benchmarks.training_speed.growth import make_panel

TINY = Job(hidden_size=2, epochs=2)
PANEL = make_panel(3, 40)


@pytest.mark.parametrize("side", ["recast", "tutorial"])
def test_a_fresh_process_reads_the_series_and_prints_time_and_windows(
    tmp_path, capsys, side
):
    folder = write_set(PANEL, tmp_path)

    fresh.main(["--side", side, "--data", str(folder), "--job", TINY.to_json()])

    figures = json.loads(capsys.readouterr().out)
    assert figures["work"] == 2 * 3 * 34
    assert figures["cpu"] > 0
