"""Covariates of windows and of the steps ahead, gathered a batch at a time.

No value of a past covariate after a forecast origin is read, and no value of a known
covariate after the last step of the forecast.
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
    """Covariates of the windows before forecast origins and of the steps after them.

    Attributes:
        covariates: their encoding.
        panel: the series.
        origins: the forecast origins.
        seq_len: observations in a window; a window that begins before its series is
            padded with the first observation.
        steps: steps ahead; later steps repeat the values of the last one.
        calendar: gives the timestamps of the steps ahead.
    """

    covariates: Covariates
    panel: Panel
    origins: Origins
    seq_len: int
    steps: int
    calendar: Calendar

    def take(self, rows: slice, first: int, last: int) -> Tensor:
        """Gather the steps ``first`` to ``last`` of some windows, counted from 0.

        Returns:
            ``(rows, last - first, layout.width - 1)``.
        """
        series, ends = self.origins.series[rows], self.origins.ends[rows]
        step = np.arange(first, last) - self.seq_len  # 0 is the first step ahead
        values = {
            covariate.name: self._values(covariate, series, ends, step)
            for covariate in self.covariates.columns
        }
        return self.covariates.encode(values, self._moments(series, ends, step))

    def _values(
        self, covariate: Covariate, series: IntArray, ends: IntArray, step: IntArray
    ) -> Column:
        last_step = self.steps - 1 if covariate.role == "known" else -1
        place = ends[:, None] + np.minimum(step, last_step)
        length = self.panel.lengths[series][:, None]
        observed: Column = self.panel.covariates[covariate.name]
        observed_position = self.panel.offsets[series][:, None] + np.clip(
            place, 0, length - 1
        )
        if (place < length).all():
            return np.asarray(observed[observed_position])
        future = self.panel.future[covariate.name]
        future_position = future.offsets[series][:, None] + np.maximum(
            place - length, 0
        )
        future_values = future.values[
            np.minimum(future_position, len(future.values) - 1)
        ]
        return np.where(place < length, observed[observed_position], future_values)

    def _moments(self, series: IntArray, ends: IntArray, step: IntArray) -> Column:
        begin = self.panel.offsets[series][:, None]
        end = begin + ends[:, None]
        past = np.maximum(end + np.minimum(step, -1), begin)
        observed: Column = self.panel.timestamps[past]
        if not self.covariates.cycles:
            return observed
        if step[-1] >= 0:
            last = self.panel.timestamps[end - 1]
            ahead = self.calendar.advance(last, np.maximum(step, 0) + 1)
            observed = np.where(step < 0, observed, ahead)
        return self.calendar.wall_time(observed)


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
        covariates: encoding of the covariates of the model.
        panel: the series; further covariates in it are ignored.
        origins: the forecast origins.
        seq_len, horizon: of the model.
        steps: steps ahead.
        calendar: of the training series.

    Raises:
        MissingCovariates: a covariate is missing, or ends before the last step.
        SettingError: there are more steps than the trained horizon, with past
            covariates.
    """
    if not covariates:
        return None
    check_steps(covariates, horizon=horizon, steps=steps)
    _check_columns(covariates, panel, panel.series_ids[int(origins.series[0])])
    if covariates.cycles:
        calendar = calendar.continued_by(panel.calendar)
        calendar.future(panel.last_timestamps(), steps)  # checks the range of dates
    check_reach(panel, covariates.names("known"), origins, steps)
    return CovariateWindows(
        covariates=covariates,
        panel=panel,
        origins=origins,
        seq_len=seq_len,
        steps=steps,
        calendar=calendar,
    )


def check_steps(covariates: Covariates, *, horizon: int, steps: int) -> None:
    """Check that no step ahead needs past covariates of the future.

    Args:
        covariates: of the model.
        horizon: of the model.
        steps: steps ahead.

    Raises:
        SettingError: there are more steps than the trained horizon, with past
            covariates.
    """
    if steps > horizon and covariates.names("past"):
        raise SettingError(
            "horizon",
            steps,
            f"at most {horizon} with past covariates, whose future is not known",
        )


def check_reach(
    panel: Panel, names: tuple[str, ...], origins: Origins, steps: int
) -> None:
    """Check that known covariates reach ``steps`` ahead of every origin.

    Args:
        panel: the series.
        names: names of the known covariates.
        origins: the forecast origins.
        steps: steps ahead.

    Raises:
        MissingCovariates: one ends earlier; the message names the first.
    """
    remaining = panel.lengths[origins.series] - origins.ends
    for name in names:
        future = panel.future.get(name)
        num_future = 0 if future is None else future.lengths[origins.series]
        reach = remaining + num_future
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
    """Check that a panel has every covariate of the model."""
    for covariate in covariates.columns:
        if covariate.name not in panel.covariates:
            available = join_shown(map(repr, panel.covariates)) or "no covariates"
            advice = "The model was trained with it: give the series with it."
            raise MissingCovariates(
                covariate.role, covariate.name, series_id, "values", available, advice
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
