"""Ratios of medians, their goals and their table."""

from benchmarks.common.results import (
    compare_costs,
    compare_rates,
    compare_times,
    format_table,
)
from benchmarks.common.timing import Measurement, Runs


def runs(name, *cpu, work=1.0):
    return Runs(name, [Measurement(cpu=each, seconds=1.0, work=work) for each in cpu])


def test_ratios_are_of_medians_and_goals_are_met_or_not():
    ours, theirs = runs("us", 1.0, 2.0, 9.0, work=6), runs("them", 5.0, work=3)

    time = compare_times("row", "work", ours, theirs, 2.5)
    rate = compare_rates("row", "work", ours, theirs, 6)
    size = compare_costs("row", "work", "data", 4, 2, "MB", 3)
    open_ended = compare_times("row", "work", ours, theirs)

    assert (time.ratio, time.met, time.runs) == (2.5, True, (3, 1))
    assert (rate.ours, rate.theirs, rate.met) == (3.0, 0.6, False)
    assert (size.ratio, size.met) == (2.0, True)
    assert open_ended.met is None


def test_the_table_has_the_goal_and_whether_it_was_met():
    results = [
        compare_times("small", "work", runs("us", 2.0), runs("them", 5.0), 25),
        compare_costs("growth", "memory", "data", 1234, 2000, "MB", 3),
    ]

    _, _, small, growing = format_table(results)

    assert small == "| small | work | them | 2 | 5 | CPU s | 2.5 | 25 | no | 1/1 |"
    assert growing.endswith("| 1,234 | 2,000 | MB | 0.617 | at most 3 | yes | 1/1 |")
