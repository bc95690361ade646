"""Contestants in turns, and timed processes that fail."""

import sys

import pytest

from benchmarks.common.timing import (
    Contestant,
    ProcessFailed,
    run_module,
    take_turns,
    timed,
)


def test_contestants_take_turns_and_the_slow_ones_stop_earlier():
    order = []

    def contestant(name, rounds=None):
        return Contestant(name, timed(lambda: order.append(name) or 7), rounds)

    first, slow = take_turns([contestant("first"), contestant("slow", 1)], 3)

    assert order == ["first", "slow", "first", "first"]
    assert (len(first), len(slow)) == (3, 1)
    assert {run.work for run in first.measurements} == {7}


def test_a_process_that_fails_is_reported_with_the_end_of_its_output():
    with pytest.raises(ProcessFailed, match=r"nothing failed in .*No module named"):
        run_module(sys.executable, "benchmarks.nothing")
