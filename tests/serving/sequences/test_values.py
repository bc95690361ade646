"""Series are padded among those of similar length only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RequestTooLarge
from serving.sequences.values import (
    GROUP_STEPS,
    MAX_STEPS,
    check_size,
    group_by_length,
)
from serving.settings import Settings


@given(st.lists(st.integers(1, 100_000), max_size=40))
def test_each_series_is_in_one_group_that_is_padded_little(lengths):
    groups = list(group_by_length([np.empty((n, 1)) for n in lengths]))

    assert sorted(n for group in groups for n in group) == list(range(len(lengths)))
    for group in groups:
        steps = [lengths[n] for n in group]
        assert max(steps) < 2 * min(steps)
        assert len(group) == 1 or len(group) * max(steps) <= GROUP_STEPS


def test_a_series_of_too_many_steps_is_refused():
    with pytest.raises(RequestTooLarge, match="100,001 steps in one series") as raised:
        check_size(Settings(), [5, MAX_STEPS + 1], numbers=4)

    assert raised.value.flaws[0].loc == ["body", "series"]
