"""Charts keep their extremes, their gaps and their frame."""

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecasting.report.svg import (
    HEIGHT,
    MAX_POINTS,
    WIDTH,
    Band,
    Curve,
    draw,
    round_ticks,
    thin_out,
)

FINITE = st.floats(-1e9, 1e9)


def chart(curves, bands=()):
    return draw("title", "text", curves, bands, [(0, "first")], [])


def coordinates(path):
    return [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", path)]


@given(st.lists(FINITE, min_size=1, max_size=3000))
def test_a_thinned_curve_keeps_every_extreme_of_its_runs(values):
    y = np.array(values)

    drawn, run = thin_out(y)

    assert len(drawn) <= MAX_POINTS
    assert (np.diff(drawn) > 0).all()
    for start in range(0, len(y), run):
        part = y[start : start + run]
        drawn_values = y[drawn[(drawn >= start) & (drawn < start + run)]]
        assert part.min() in drawn_values
        assert part.max() in drawn_values


@example(0.0, 5e-324)  # no double is between
@example(-5e-324, 2e-308)
@given(FINITE, FINITE)
def test_ticks_are_few_and_span_the_range(one, other):
    low, high = sorted((one, other))

    ticks = round_ticks(low, high)

    assert 2 <= len(ticks) <= 8
    slack = 1e-9 * max(abs(low), abs(high), 1)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack


def test_infinite_bounds_and_missing_values_stay_inside_the_picture():
    x = np.arange(4)
    curve = Curve("observed", x, np.array([1.0, np.nan, 3.0, 2.0]), has_dots=True)
    band = Band("band", x, np.full(4, -np.inf), np.full(4, np.inf))

    drawn = chart([curve], [band])

    for shape in drawn.shapes:
        numbers = coordinates(shape.path.replace("h0", ""))
        assert all(0 <= number <= max(WIDTH, HEIGHT) for number in numbers)
    [line] = [s for s in drawn.shapes if s.style == "observed"]
    assert len(coordinates(line.path)) == 6


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [7.0] * 30, [np.nan, np.nan]])
def test_a_flat_or_short_curve_is_drawn(values):
    drawn = chart([Curve("observed", np.arange(len(values)), np.array(values))])

    assert all(np.isfinite(tick.place) for tick in drawn.y_ticks)
    assert len({tick.label for tick in drawn.y_ticks}) == len(drawn.y_ticks)
