"""The start-up benchmark: medians, ratios, its table, and a command that fails."""

import sys

import pytest

from benchmarks.start_up import REFERENCE, format_rows, measure, summarize


def test_medians_are_ratios_to_the_import_of_torch():
    seconds = {REFERENCE: [(2.0, 3.0), (2.0, 5.0)], "models": [(1.0, 1.5)]}

    rows = summarize(seconds)

    assert rows[REFERENCE] == {"cpu": 2.0, "seconds": 4.0, "ratio": 1.0}
    assert rows["models"]["ratio"] == 0.5
    assert format_rows(rows)[-1] == "| `models` | 1.00 s | 1.50 s | 0.50 |"


def test_a_process_is_measured_and_a_failure_is_shown(tmp_path):
    cpu, wall = measure([sys.executable, "-c", "pass"], tmp_path)

    assert cpu > 0
    assert wall > 0
    with pytest.raises(SystemExit, match="no such thing"):
        measure(
            [sys.executable, "-c", "exit(1 / 0 if 0 else 'no such thing')"], tmp_path
        )
