import numpy as np
import pandas as pd
import pytest

from forecasting.data.panel import Panel
from forecasting.data.splits import rolling_origins
from forecasting.evaluation import metrics
from forecasting.evaluation.backtest import forecast_table
from forecasting.evaluation.scores import score


def scored():
    random = np.random.default_rng(0)
    panel = Panel.from_values({"a": random.normal(size=30), "b": np.arange(20.0) ** 2})
    folds = rolling_origins(panel, folds=3, horizon=2)
    tables = []
    for fold in folds:
        points = random.normal(size=(2, 2))
        bounds = {80.0: (points - 1, points + 1), 95.0: (points - 2, points + 3)}
        tables.append(forecast_table(panel, fold, points, bounds))
    table = pd.concat(tables, ignore_index=True).assign(model="some")
    return panel, table, score(table, panel, folds, season_length=1).loc["some"]


@pytest.mark.parametrize("level", ["80", "95"])
def test_the_scaled_interval_score_is_the_mean_of_the_series(level):
    panel, table, scores = scored()

    by_series = []
    for name, rows in table.groupby("series_id"):
        bounds = (rows[f"{side}_{level}"].to_numpy() for side in ("lower", "upper"))
        mean = metrics.interval_score(rows["actual"].to_numpy(), *bounds, float(level))
        by_series.append(mean / metrics.naive_scale(panel.series(str(name))[:-6], 1))
    assert scores[f"msis_{level}"] == pytest.approx(np.mean(by_series))


def test_each_level_has_coverage_width_and_two_scores():
    _, _, scores = scored()

    measured = [name for name in scores.index if name.endswith(("_80", "_95"))]
    assert measured == [
        "coverage_80", "width_80", "score_80", "msis_80",
        "coverage_95", "width_95", "score_95", "msis_95",
    ]  # fmt: skip
