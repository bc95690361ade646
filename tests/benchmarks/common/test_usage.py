"""Time and memory of a run, written beside its forecasts."""

import time

from benchmarks.common.usage import measure_usage, read_usage, write_usage


def test_seconds_are_those_of_the_block_and_idle_ones_take_no_processor(tmp_path):
    with measure_usage("sleep") as usage:
        time.sleep(0.2)

    assert 0.2 <= usage.seconds < 60
    assert usage.cpu_seconds < 0.1
    assert 10 < usage.peak_mb < 100_000


def test_usage_is_read_back_from_beside_the_forecasts(tmp_path):
    with measure_usage("nothing") as usage:
        pass

    write_usage(usage, tmp_path / "f.csv")

    assert read_usage(tmp_path / "f.csv") == usage
    assert read_usage(tmp_path / "g.csv") is None
