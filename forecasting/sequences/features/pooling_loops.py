"""Pooling of the outputs of random units, in compiled loops: one pass over the steps.

Sums are of one step after the other in double precision, so that a padded series has
the features of the series alone.
"""

import numpy as np
from numba import njit

from forecasting.jit import SUMS, compile_sums


@compile_sums
def pool_outputs(outputs, lengths, thresholds, features):
    """Write the share, mean and mean position of the outputs above thresholds.

    Args:
        outputs: ``(series, units, steps)``.
        lengths: valid steps of each series, ``(series,)``.
        thresholds: ``(count, units)``.
        features: output, ``(series, count, 3, units)``.
    """
    for s in range(len(outputs)):
        length = lengths[s]
        for unit in range(outputs.shape[1]):
            row = outputs[s, unit, :length]
            for t in range(len(thresholds)):
                above, excess, places = _pool_row(row, thresholds[t, unit])
                some = max(above, 1.0)
                features[s, t, 0, unit] = above / length
                features[s, t, 1, unit] = excess / some
                features[s, t, 2, unit] = places / some / length


@njit(**SUMS)
def _pool_row(row, threshold):
    """Return the number, the summed excess, and the summed places above a threshold."""
    above, excess, places, place = 0.0, 0.0, 0.0, 0.0
    for i in range(len(row)):
        difference = row[i] - threshold
        counted = 1.0 if difference > 0 else 0.0
        above += counted
        excess += counted * difference
        places += counted * place
        place += 1.0
    return above, excess, places


@compile_sums
def count_winners(outputs, lengths, competing, features):
    """Write how strongly, and how often, each unit wins within its group.

    Features are square roots: of the sum of the outputs, where positive, at the steps
    where a unit is the largest, and of the number of steps where it is the smallest,
    both over the length.

    Args:
        outputs: ``(series, groups * competing, steps)``.
        lengths: valid steps of each series, ``(series,)``.
        competing: units of a group.
        features: output, ``(series, 2, groups * competing)``.
    """
    steps = outputs.shape[2]
    largest, smallest = np.empty(steps, np.float32), np.empty(steps, np.float32)
    winner, loser = np.empty(steps, np.int32), np.empty(steps, np.int32)
    strength, count = np.empty(competing), np.empty(competing)
    for s in range(len(outputs)):
        length = lengths[s]
        for first in range(0, outputs.shape[1], competing):
            group = outputs[s, first : first + competing, :length]
            _compete(group, largest, smallest, winner, loser)
            strength[:] = 0.0
            count[:] = 0.0
            for i in range(length):
                strength[winner[i]] += max(largest[i], np.float32(0))
                count[loser[i]] += 1.0
            for k in range(competing):
                features[s, 0, first + k] = np.sqrt(strength[k] / length)
                features[s, 1, first + k] = np.sqrt(count[k] / length)


@njit(**SUMS)
def _compete(group, largest, smallest, winner, loser):
    """Write the largest and smallest output of each step, and their units."""
    length = group.shape[1]
    for i in range(length):
        largest[i] = smallest[i] = group[0, i]
        winner[i] = loser[i] = 0
    for k in range(1, len(group)):
        row = group[k]
        for i in range(length):
            value = row[i]
            is_larger, is_smaller = value > largest[i], value < smallest[i]
            largest[i] = value if is_larger else largest[i]
            winner[i] = k if is_larger else winner[i]
            smallest[i] = value if is_smaller else smallest[i]
            loser[i] = k if is_smaller else loser[i]
