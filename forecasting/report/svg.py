"""Charts of lines and bands as scalable graphics, without a script or a library.

Coordinates are those of a picture of `WIDTH` by `HEIGHT` units, which the page scales.
A curve of more than `MAX_POINTS` points is drawn by the lowest and the highest value of
each run of observations: no extreme is lost, and the chart says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.display.numbers import readable
from forecasting.types import FloatArray, IntArray

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 10, 8, 26  # margins
MAX_POINTS = 600  # of a curve
NUM_TICKS = 5
TINY = 1e-300  # ranges below have no tenth part that is a normal number


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points.

    Attributes:
        style: class of the page's style: ``observed``, ``past``, ``ahead``, ``other``.
        x: positions on the axis, ``(points,)``.
        y: values, ``(points,)``.
        has_dots: whether each point is marked.
    """

    style: str
    x: IntArray
    y: FloatArray
    has_dots: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The area between two bounds, ``(points,)`` each."""

    style: str
    x: IntArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, at a coordinate of the picture."""

    place: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Shape:
    """A path of the picture."""

    style: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart that the template draws.

    Attributes:
        title: heading.
        description: text alternative, for those who do not see the picture.
        shapes: bands first, then lines, then marks.
        x_ticks, y_ticks: marks of the axes.
        legend: style and text of each kind of shape.
        note: sentence below the picture; empty for none.
    """

    title: str
    description: str
    shapes: Sequence[Shape]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    legend: Sequence[tuple[str, str]]
    note: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def draw(
    title: str,
    description: str,
    curves: Sequence[Curve],
    bands: Sequence[Band],
    labels: Sequence[tuple[int, str]],
    legend: Sequence[tuple[str, str]],
    *,
    from_zero: bool = False,
    note: str = "",
) -> Chart:
    """Return a chart of curves and bands on common axes.

    Args:
        title, description, legend, note: see `Chart`.
        curves: lines, at least one with a point.
        bands: areas behind them.
        labels: position and text of the marks of the horizontal axis.
        from_zero: whether the vertical axis begins at zero.
    """
    columns = [c.y for c in curves] + [b for s in bands for b in (s.lower, s.upper)]
    values = np.concatenate(columns)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0, 1)
    ticks = round_ticks(min(low, 0.0) if from_zero else low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    places = np.concatenate([curve.x for curve in curves])
    frame = _Frame(int(places.min()), int(places.max()), low, high)
    shapes = [Shape(band.style, frame.area(band)) for band in bands]
    shapes += [Shape(curve.style, frame.line(curve.x, curve.y)) for curve in curves]
    shapes += [
        Shape(f"{c.style} dots", frame.dots(c.x, c.y)) for c in curves if c.has_dots
    ]
    return Chart(
        title=title,
        description=description,
        shapes=[shape for shape in shapes if shape.path],
        x_ticks=[
            Tick(frame.x(place), text, _anchor(frame.x(place)))
            for place, text in labels
        ],
        y_ticks=[Tick(frame.y(tick), readable(tick)) for tick in ticks],
        legend=legend,
        note=note,
    )


def _anchor(place: float) -> str:
    """Return the side of a label that stays inside the picture."""
    if place > WIDTH - RIGHT - 40:
        return "end"
    return "start" if place < LEFT + 20 else "middle"


@dataclass(frozen=True, slots=True)
class _Frame:
    """The scales of a chart: first and last position, lowest and highest value."""

    first: int
    last: int
    low: float
    high: float

    def x(self, place: float) -> float:
        """Return the horizontal coordinate of a position."""
        share = (place - self.first) / max(self.last - self.first, 1)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return the vertical coordinate of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def points(self, x: IntArray, y: FloatArray) -> list[str]:
        """Return coordinates as text, of finite values alone."""
        return [
            f"{self.x(place):g} {self.y(value):g}"
            for place, value in zip(x.tolist(), y.tolist(), strict=True)
            if math.isfinite(value)
        ]

    def line(self, x: IntArray, y: FloatArray) -> str:
        """Return the path of a line."""
        points = self.points(x, y)
        return f"M{'L'.join(points)}" if len(points) > 1 else ""

    def dots(self, x: IntArray, y: FloatArray) -> str:
        """Return the path of marks: lines of no length with round ends."""
        return "".join(f"M{point}h0" for point in self.points(x, y))

    def area(self, band: Band) -> str:
        """Return the path of a band; infinite bounds end at the border."""
        lower = np.clip(band.lower, self.low, self.high)
        upper = np.clip(band.upper, self.low, self.high)
        points = self.points(
            np.concatenate([band.x, band.x[::-1]]), np.concatenate([upper, lower[::-1]])
        )
        return f"M{'L'.join(points)}Z" if len(points) > 2 else ""


def thin_out(y: FloatArray, limit: int = MAX_POINTS) -> tuple[IntArray, int]:
    """Return the positions to draw of a curve, and the observations of a run.

    Of a longer curve they are the lowest and the highest value of each run, in order.

    Args:
        y: values, ``(points,)``.
        limit: maximum number of positions.

    >>> thin_out(np.array([1.0, 5.0, 2.0, 3.0, 0.0, 4.0]), limit=4)
    (array([0, 1, 4, 5]), 3)
    """
    if len(y) <= limit:
        return np.arange(len(y)), 1
    run = -(-len(y) // (limit // 2))
    starts = range(0, len(y), run)
    extremes = [
        start + int(place)
        for start in starts
        for place in sorted(
            {y[start : start + run].argmin(), y[start : start + run].argmax()}
        )
    ]
    return np.array(extremes), run


def round_ticks(low: float, high: float, count: int = NUM_TICKS) -> list[float]:
    """Return round values that span a range, at most ``count`` + 2 of them.

    >>> round_ticks(3.0, 97.0)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    """
    if high - low < TINY:
        half = (abs(low) if abs(low) > TINY else 1.0) / 2
        low, high = low - half, low + half
    step = (high - low) / count
    size = 10.0 ** math.floor(math.log10(step))
    step = next(size * f for f in (1, 2, 2.5, 5, 10) if size * f >= step * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 12) for number in range(first, last + 1)]
