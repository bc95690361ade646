"""Result of a backtest: leaderboard, forecasts of the past, plot, card."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.data.plotting import plot_series
from forecasting.display.html import Bar, BarTable, Card
from forecasting.display.numbers import readable
from forecasting.display.wording import count, describe_methods, make_caption
from forecasting.evaluation.comparison import Comparison
from forecasting.evaluation.evidence import describe_evidence
from forecasting.evaluation.skill import Evidence

if TYPE_CHECKING:
    from forecasting.display.backends import Axes, Backend

EXTRA_HORIZONS = 4  # that a plot shows before the first fold


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Backtest:
    """Forecasts of a model and of baselines from the same cutoffs of the past.

    The model was trained on the observations before the first cutoff alone.

    Attributes:
        comparison: series, folds and settings.
        label: name of the model in the leaderboard: the cell, or the guarded cell.
        table: a row a model, series, cutoff and step, as
            `forecasting.evaluation.backtest.backtest` returns it; moments are in UTC
            where there is a zone.
        methods: number of series that each method forecasts, most frequent first.
    """

    comparison: Comparison
    label: str
    table: pd.DataFrame
    methods: Mapping[str, int]

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """Scores by model, best first, see `Comparison.scores`."""
        return self.comparison.scores(self.table)

    @property
    def by_step(self) -> pd.DataFrame:
        """Scores by model and step ahead."""
        return self.comparison.scores_by_step(self.table)

    @property
    def by_series(self) -> pd.DataFrame:
        """Scores by model and series."""
        return self.comparison.scores_by_series(self.table)

    @property
    def served(self) -> pd.DataFrame:
        """Rows of the model itself, without the others beside it."""
        return self.table[self.table["model"] == self.label]

    @property
    def evidence(self) -> Evidence:
        """Size of the test, and the skill of the model with its interval."""
        return self.comparison.evidence(self.table, self.label)

    def to_frame(self) -> pd.DataFrame:
        """Return the table, its moments in the zone of the series."""
        zone = self.comparison.panel.calendar.zone
        if zone is None:
            return self.table.copy()
        moments = {
            name: pd.DatetimeIndex(self.table[name], tz="UTC").tz_convert(zone)
            for name in ("cutoff", "timestamp")
        }
        return self.table.assign(**moments)

    def plot(
        self,
        series: str | Sequence[str] | None = None,
        *,
        last: int | None = None,
        ax: "Axes | None" = None,
        backend: "Backend" = "matplotlib",
    ) -> Any:
        """Draw the forecasts of the model over the observations; return the figure.

        Args:
            series: ids of the series to draw; default the first four.
            last: observations of each series that are drawn; default all since four
                horizons before the first cutoff.
            ax: axes of matplotlib for a single series; default a new figure.
            backend: ``matplotlib``, or ``plotly`` where that is installed.

        Raises:
            UnknownSeries: there is no such series.
            SettingError: the backend is not installed.
        """
        part = self.comparison
        count_all = (len(part.folds) + EXTRA_HORIZONS) * part.horizon
        metric = part.evaluation.metric
        error = readable(float(self.leaderboard[metric][self.label]))
        size = f"{count(len(part.folds), 'fold')} of {_count_series(part)}"
        answers = describe_methods(self.methods)
        return plot_series(
            part.panel,
            table=self.served,
            series=series,
            last=count_all if last is None else last,
            caption=make_caption(self.label, answers, f"{metric} {error} on {size}"),
            ax=ax,
            backend=backend,
        )

    def __repr__(self) -> str:
        return f"<Backtest of {self.label}: {describe_evidence(self.evidence)}>"

    def _repr_html_(self) -> str:
        scores, part = self.leaderboard, self.comparison
        levels = [f"{level:g}" for level in part.evaluation.levels]
        intervals = [level for level in levels if f"coverage_{level}" in scores]
        bars = [
            Bar(
                label=str(model).replace("_", " "),
                value=float(row["mae"]),
                is_main=model == self.label,
                cells=[
                    _percent(row.get("skill", math.nan), "+.1%"),
                    *(_percent(row[f"coverage_{level}"], ".0%") for level in intervals),
                ],
            )
            for model, row in scores.iterrows()
        ]
        inside = [f"inside {level} %" for level in intervals]
        columns = ["model", "mean error", "skill", *inside]
        return Card(
            title=f"Backtest of {self.label}",
            sentence=self._describe_errors(),
            facts=[
                ("test", f"{count(len(part.folds), 'cutoff')}, {_count_series(part)}"),
                ("horizon", count(part.horizon, "step")),
                ("answers", describe_methods(self.methods)),
            ],
            bars=[BarTable(columns=columns, bars=bars)],
            notes=[describe_evidence(self.evidence)],
        ).to_html()

    def _describe_errors(self) -> str:
        """Describe the mean error beside that of the best baseline."""
        errors = self.leaderboard["mae"]
        target = self.comparison.panel.target
        rival = min(self.comparison.baseline_names, key=lambda name: errors[name])
        return (
            f"Forecasts of {target} were off by {readable(float(errors[self.label]))} "
            f"on average; those of the best baseline, {rival.replace('_', ' ')}, by "
            f"{readable(float(errors[rival]))}."
        )


def _count_series(part: Comparison) -> str:
    return count(len(part.folds[0]), "series", "series")


def _percent(share: float, form: str) -> str:
    return format(share, form) if math.isfinite(share) else "-"
