"""Operations of a training step, counted by hand."""

import pytest

from benchmarks.common.job import Job
from benchmarks.training_speed.arithmetic import training_flops


@pytest.mark.parametrize(
    ("cell", "operations"),
    [
        # H 2, T 3, h 1: recurrent 2 G 4 2, input 2 G 2 3, head 4.
        ("lstm", 3 * (64 + 48 + 4) - 48),
        ("gru", 3 * (48 + 36 + 4) - 36),
        ("rnn", 3 * (16 + 12 + 4) - 12),
    ],
)
def test_the_operations_of_a_step_are_those_counted_by_hand(cell, operations):
    job = Job(cell=cell, hidden_size=2, seq_len=3, horizon=1)

    assert training_flops(job) == operations
