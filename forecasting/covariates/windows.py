"""The covariates of windows and of the steps ahead of them, gathered when asked for.

Of past covariates nothing behind an origin is looked at, of known ones nothing behind
the last step of the forecast.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from forecasting.covariates.encoding import Covariate, Covariates
from forecasting.data.covariates import Column
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import MissingCovariates, SettingError, join_shown
from forecasting.timestamps.calendar import Calendar
from forecasting.types import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateWindows:
    """Covariates of the windows before origins and of the steps behind them.

    Attributes:
        covariates: how they become numbers.
        panel: the series.
        origins: where the forecasts are made.
        seq_len: observations in a window; one that reaches back beyond its series
            begins with the first one again and again.
        steps: steps ahead; of later ones, the last one is given again.
        calendar: by which the timestamps go on.
    """

    covariates: Covariates
    panel: Panel
    origins: Origins
    seq_len: int
    steps: int
    calendar: Calendar

    def take(self, rows: slice, first: int, last: int) -> Tensor:
        """Return the steps ``first`` to ``last`` of some windows, counted from 0.

        Returns:
            ``(rows, last - first, layout.width - 1)``.
        """
        series, ends = self.origins.series[rows], self.origins.ends[rows]
        step = np.arange(first, last) - self.seq_len  # 0 is the first one ahead
        values = {
            one.name: self._values(one, series, ends, step)
            for one in self.covariates.columns
        }
        return self.covariates.encode(values, self._moments(series, ends, step))

    def _values(
        self, one: Covariate, series: IntArray, ends: IntArray, step: IntArray
    ) -> Column:
        most = self.steps - 1 if one.role == "known" else -1
        place = ends[:, None] + np.minimum(step, most)
        length = self.panel.lengths[series][:, None]
        observed: Column = self.panel.covariates[one.name]
        here = self.panel.offsets[series][:, None] + np.clip(place, 0, length - 1)
        if (place < length).all():
            return np.asarray(observed[here])
        ahead = self.panel.future[one.name]
        behind = ahead.offsets[series][:, None] + np.maximum(place - length, 0)
        there = ahead.values[np.minimum(behind, len(ahead.values) - 1)]
        return np.where(place < length, observed[here], there)

    def _moments(self, series: IntArray, ends: IntArray, step: IntArray) -> Column:
        begin = self.panel.offsets[series][:, None]
        end = begin + ends[:, None]
        past = np.maximum(end + np.minimum(step, -1), begin)
        seen: Column = self.panel.timestamps[past]
        if not self.covariates.cycles or step[-1] < 0:
            return seen
        last = self.panel.timestamps[end - 1]
        return np.where(
            step < 0, seen, self.calendar.advance(last, np.maximum(step, 0) + 1)
        )


def read_covariates(
    covariates: Covariates,
    panel: Panel,
    origins: Origins,
    *,
    seq_len: int,
    horizon: int,
    steps: int,
    calendar: Calendar,
) -> CovariateWindows | None:
    """Return the covariates of the windows before origins, or None without any.

    Args:
        covariates: that the model was trained with.
        panel: the series; further covariates in it are left alone.
        origins: where the forecasts are made.
        seq_len, horizon: of the model.
        steps: steps ahead.
        calendar: of the series seen in training.

    Raises:
        MissingCovariates: a covariate is not there, or does not reach far enough.
        SettingError: past covariates do not reach beyond the trained horizon.
    """
    if not covariates:
        return None
    past = covariates.names("past")
    if past and steps > horizon:
        raise SettingError(
            "horizon",
            steps,
            f"at most {horizon} with past covariates, whose future is not known",
        )
    _check_columns(covariates, panel, panel.series_ids[int(origins.series[0])])
    if covariates.cycles:
        calendar.future(panel.last_timestamps(), steps)  # may end behind all dates
    check_reach(panel, covariates.names("known"), origins, steps)
    return CovariateWindows(
        covariates=covariates,
        panel=panel,
        origins=origins,
        seq_len=seq_len,
        steps=steps,
        calendar=calendar,
    )


def check_reach(
    panel: Panel, known: tuple[str, ...], origins: Origins, steps: int
) -> None:
    """See that known covariates reach ``steps`` ahead of every origin.

    Raises:
        MissingCovariates: names the first that does not.
    """
    left = panel.lengths[origins.series] - origins.ends
    for name in known:
        ahead = panel.future.get(name)
        beyond = 0 if ahead is None else ahead.lengths[origins.series]
        reach = left + beyond
        if (reach < steps).any():
            at = int(np.argmax(reach < steps))
            raise MissingCovariates(
                "known",
                name,
                panel.series_ids[origins.series[at]],
                f"{steps} steps ahead",
                str(int(reach[at])),
                "Give its future values (future=..., --future FILE.csv, or rows "
                "without a target at the end), or a shorter horizon.",
            )


def _check_columns(covariates: Covariates, panel: Panel, series_id: str) -> None:
    """See that a panel has all that the model was trained with."""
    for one in covariates.columns:
        if one.name not in panel.covariates:
            found = join_shown(map(repr, panel.covariates)) or "no covariates"
            advice = "The model was trained with it: give the series with it."
            raise MissingCovariates(
                one.role, one.name, series_id, "values", found, advice
            )
    if covariates.cycles and panel.calendar.freq is None:
        raise MissingCovariates(
            "known",
            "timestamp",
            series_id,
            "dates, for the model takes the seasons from them",
            "none",
            "Give the series with their timestamps.",
        )
