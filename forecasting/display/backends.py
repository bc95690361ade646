"""Choice of the library that draws series, imported at its first use."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from forecasting.display.series_chart import SeriesChart
from forecasting.errors import SettingError
from forecasting.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes

Backend = Literal["matplotlib", "plotly"]
BACKENDS = ("matplotlib", "plotly")


def draw(
    charts: Sequence[SeriesChart],
    *,
    caption: str = "",
    ax: "Axes | None" = None,
    backend: Backend = "matplotlib",
) -> Any:
    """Draw series below each other; return the figure.

    Args:
        charts: at least one series.
        caption: title of the figure.
        ax: axes of matplotlib to draw a single series on; default a new figure.
        backend: ``matplotlib``, or ``plotly`` where that is installed.

    Raises:
        SettingError: the backend is unknown or not installed, or axes are passed for
            several series or for Plotly.
    """
    check_backend(backend)
    if ax is not None and (len(charts) > 1 or backend != "matplotlib"):
        expected = "left out for several series and for plotly; choose one by series="
        raise SettingError("ax", ax, expected)
    if backend == "plotly":
        from forecasting.display.plotly_chart import draw_series as draw_plotly

        return draw_plotly(charts, caption)
    from forecasting.display.charts import draw_series

    return draw_series(charts, caption, ax)


def draw_heat_maps(parts: Mapping[str, FloatArray], lags: int) -> Any:
    """Draw the importance of inputs for each step; return a figure of matplotlib.

    Args:
        parts: by title, ``(steps, positions)``, the oldest position first.
        lags: steps from the oldest position to the first step of the forecast.

    Raises:
        SettingError: matplotlib is not installed.
    """
    check_backend("matplotlib")
    from forecasting.display.charts import draw_heat_maps as draw_parts

    return draw_parts(parts, lags)


def check_backend(backend: str) -> None:
    """Check that a backend is supported and installed.

    Raises:
        SettingError: it is not.
    """
    if backend not in BACKENDS:
        raise SettingError("backend", backend, f"one of {', '.join(BACKENDS)}")
    if find_spec(backend) is None:
        expected = f"one that is installed (pip install {backend})"
        raise SettingError("backend", backend, expected)
