"""Forecasts without training, of arrays, panels and frames."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import DataError, Panel, SettingError, read_csv, zero_shot
from forecasting.zeroshot import MAX_CONTEXT, load_zero_shot

DATA = Path(__file__).parents[3] / "data"


def walk(seed, count=120):
    rng = np.random.default_rng(seed)
    steps = np.arange(count)
    season = 5 * np.sin(2 * np.pi * steps / 12)
    return 100 + season + rng.normal(0, 1, count).cumsum()


def forecast(series, season_length=12, steps=14, levels=(80.0, 95.0)):
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in series])])
    return load_zero_shot().forecast(
        np.concatenate(series),
        offsets,
        season_lengths=np.full(len(series), season_length),
        steps=steps,
        levels=levels,
    )


def test_a_series_is_forecast_alone_as_among_others():
    lengths = [3, 4, 11, 40, 77, 120, 400, 3000]
    series = [walk(seed, count) for seed, count in enumerate(lengths)]
    points, bounds, methods = forecast(series)

    for row, values in enumerate(series):
        alone = forecast([values])
        np.testing.assert_array_equal(alone[0][0], points[row])
        np.testing.assert_array_equal(alone[1][:, 0], bounds[:, row])
        assert alone[2] == methods[row : row + 1]


def test_threads_get_the_same_forecasts():
    series = [walk(seed) for seed in range(20)]
    expected = [forecast([values])[0] for values in series]

    with ThreadPoolExecutor(4) as threads:
        results = [*threads.map(lambda values: forecast([values])[0], series)]

    np.testing.assert_array_equal(results, expected)


def test_only_the_latest_values_are_read():
    values = walk(0, MAX_CONTEXT + 500)

    points = forecast([values])[0]

    np.testing.assert_array_equal(points, forecast([values[-MAX_CONTEXT:]])[0])


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("length", [3, 20, 100])
def test_forecasts_follow_the_scale_of_the_values(factor, length):
    points, bounds, _ = forecast([walk(1, length)])
    scaled, scaled_bounds, _ = forecast([factor * walk(1, length)])

    np.testing.assert_allclose(scaled, factor * points, rtol=1e-6)
    np.testing.assert_allclose(scaled_bounds, factor * bounds, rtol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 30,
        [5.0] * 3,
        [0.0, 0.0, 1e12] * 20,
        [1e300, 1.0, 1e-300] * 12,
        [-1e150, 1e150] * 30,
        [0.0] * 50 + [1.0],
        [2.0**t for t in range(200)],
        [(-1.5) ** t for t in range(99)],
    ],
)
def test_no_series_gives_numbers_that_are_not_finite(values):
    points, bounds, _ = forecast([np.array(values)], steps=50)

    assert np.isfinite(points).all()
    assert np.isfinite(bounds).all()
    assert (bounds[:2] <= points).all()
    assert (bounds[2:] >= points).all()
    assert (bounds[1] <= bounds[0]).all()


def test_values_that_were_never_negative_stay_so():
    rng = np.random.default_rng(0)
    sales = rng.poisson(0.4, 90).astype(float)

    points, bounds, _ = forecast([sales], season_length=7)

    assert points.min() >= 0
    assert bounds.min() >= 0


def test_the_series_of_the_calendar_get_dates_methods_and_intervals():
    panel = read_csv(DATA / "sunspots.csv")

    result = zero_shot(panel, horizon=12)

    assert result.points.shape == (1, 12)
    assert [*result.intervals] == [80.0, 95.0]
    assert result.methods == ("smoothing+regression+gru",)
    assert result.timestamps[0, 0] > panel.last_timestamps()[0]


def test_a_frame_is_read_as_by_read_frame():
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=40).strftime("%Y-%m-%d"),
            "sales": walk(0, 40),
            "price": 1.0,
        }
    )

    result = zero_shot(frame, horizon=3, target="sales")

    assert result.timestamps[0, -1] == np.datetime64("2024-02-12")


def test_covariates_are_refused_by_name():
    panel = Panel.from_values(
        {"a": [1.0, 2.0, 3.0]}, past_covariates={"price": {"a": [1.0, 1.0, 1.0]}}
    )

    with pytest.raises(SettingError, match=r"reads the target alone.*price"):
        zero_shot(panel)


def test_a_series_of_two_values_is_refused_by_name():
    panel = Panel.from_values({"old": [1.0, 2.0, 3.0], "new": [1.0, 2.0]})

    with pytest.raises(DataError, match=r"'new' has 2; at least 3 .*more history"):
        zero_shot(panel)


def test_forecasts_beat_the_last_season_on_series_with_season_and_trend():
    """A small version of the benchmark: it fails when accuracy is lost."""
    ratios = []
    for seed in range(30):
        values = walk(seed, 138)
        past, future = values[:120], values[120:]
        points = forecast([past], steps=18)[0][0]
        naive = past[-12 + np.arange(18) % 12]
        ratios.append(np.abs(points - future).mean() / np.abs(naive - future).mean())

    assert np.exp(np.mean(np.log(ratios))) < 0.85


def test_eighty_percent_intervals_cover_about_that():
    hits = []
    for seed in range(60):
        values = walk(seed, 138)
        _, (low, _, high, _), _ = forecast([values[:120]], steps=18)
        hits.append((values[120:] >= low[0]) & (values[120:] <= high[0]))

    assert 0.7 < np.mean(hits) < 0.92


def test_the_first_forecast_waits_for_no_network():
    code = (
        "import sys; from forecasting import Panel, zero_shot; "
        "zero_shot(Panel.from_values({'a': [1.0, 2.0, 4.0]}), horizon=2); "
        "print([m for m in ('torch', 'sklearn', 'mlflow') if m in sys.modules])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"
