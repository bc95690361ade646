"""A series with origins, as the compiled loops read it."""

import numpy as np
import pytest

from forecasting.zeroshot.tracks import Tracks


@pytest.fixture
def track():
    """Return a function from values and origins to the track of one series."""
    return make_track


def make_track(values, ends):
    """Return one series as the only track, with these origins."""
    return Tracks(
        units=np.ones(1),
        series=values,
        values=values,
        offsets=np.array([0, len(values)]),
        ends=np.array(ends),
        borders=np.array([0, len(ends)]),
        firsts=np.array([0, 1]),
    )
