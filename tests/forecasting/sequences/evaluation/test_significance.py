"""Differences of two models on the same test part."""

import numpy as np
import pytest

from forecasting.sequences.evaluation.significance import compare_labels, compare_steps


def rights(*pairs):
    """Return which of two models is right, by counts of the four cases."""
    rows = [case for count, case in pairs for _ in range(count)]
    return np.array(rows, bool).T


def test_five_wins_without_a_loss_are_clear():
    new, old = rights((5, (True, False)), (20, (True, True)))

    difference = compare_labels(new, old)

    # McNemar's exact test, one-sided: 0.5 ** 5
    assert difference.is_clear
    assert "p = 0.031" in difference.reason


def test_four_wins_are_no_more_than_chance():
    difference = compare_labels(*rights((4, (True, False)), (20, (True, True))))

    assert not difference.is_clear
    assert difference.gain == 4


@pytest.mark.parametrize("wins", [0, 3])
def test_as_many_losses_as_wins_are_no_gain(wins):
    cases = ((wins, (True, False)), (wins, (False, True)), (5, (True, True)))

    assert not compare_labels(*rights(*cases)).is_clear


def test_a_gain_in_all_blocks_is_clear():
    random = np.random.default_rng(0)
    old = random.normal(size=400)

    assert compare_steps(old + 0.3 + random.normal(0, 0.1, 400), old).is_clear
    assert not compare_steps(old - 0.3, old).is_clear
    assert not compare_steps(old, old).is_clear


def test_a_gain_in_one_stretch_alone_is_not_clear():
    old = np.zeros(400)
    new = old.copy()
    new[:20] = 5.0

    assert not compare_steps(new, old).is_clear


def test_few_steps_tell_nothing():
    difference = compare_steps(np.ones(6), np.zeros(6))

    assert not difference.is_clear
    assert difference.reason == "6 steps are too few to tell"
