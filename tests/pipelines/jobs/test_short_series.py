"""Short series block no other: they are left out, with a note, and forecast simply."""

import pandas as pd
import pytest

OPTIONS = ("--seq-len", "5", "--horizon", "2", "--epochs", "1", "--seed", "0")


def write(path, lengths):
    """Write daily series, the older ones rising by one a day."""
    rows = [
        (name, day.date().isoformat(), 10 + i)
        for name, length in lengths.items()
        for i, day in enumerate(pd.date_range("2024-01-01", periods=length))
    ]
    pd.DataFrame(rows, columns=["shop", "day", "sales"]).to_csv(path, index=False)
    return str(path)


def test_a_short_series_is_noted_and_forecast_by_its_last_value(workplace, recast):
    path = write("shops.csv", {"new": 3, "old": 60, "older": 50, "newer": 12})

    trained = recast("train", path, *OPTIONS, "--folds", "4")
    forecast = recast("forecast", "shops", "--output", "out.csv")

    assert (trained.code, forecast.code) == (0, 0), trained.err + forecast.err
    notes = " ".join(trained.out.split())
    assert "1 series too short for a window of 7, left out of training" in notes
    assert "forecast by the last value: 'new' (3)" in notes
    assert "too short for the folds, left out of the backtest: 'newer' (12)" in notes
    assert "forecast by the last value: 'new' (3)" in " ".join(forecast.out.split())
    out = pd.read_csv("out.csv").set_index("series_id")
    assert sorted(set(out.index)) == ["new", "newer", "old", "older"]
    assert out.loc["new", "point"].tolist() == pytest.approx([12, 12])


def test_without_a_guard_the_others_are_forecast(workplace, recast):
    path = write("shops.csv", {"new": 3, "old": 60, "older": 50})
    new = write("latest.csv", {"old": 20, "new": 4, "older": 20})

    trained = recast("train", path, *OPTIONS, "--folds", "1", "--preset", "classic")
    first = recast("forecast", "shops", "--output", "first.csv")
    second = recast("forecast", "shops", "--data", new, "--output", "second.csv")

    assert (trained.code, first.code, second.code) == (0, 0, 0), trained.err
    assert "not forecast: 'new' (3)" in " ".join(trained.out.split())
    assert "left out: 'new' (4)" in " ".join(second.out.split())
    for name in ("first.csv", "second.csv"):
        assert set(pd.read_csv(name)["series_id"]) == {"old", "older"}


def test_series_that_are_all_short_are_one_error_with_the_options(workplace, recast):
    path = write("shops.csv", {"new": 3, "newer": 4})

    refused = recast("train", path, *OPTIONS)

    assert refused.code == 2
    assert "'new' has 3, 'newer' has 4; at least 9 points are needed" in refused.err
    assert "--seq-len, --horizon" in refused.err


def test_new_data_that_are_all_short_are_refused(workplace, recast):
    path = write("shops.csv", {"old": 60, "older": 50})
    new = write("latest.csv", {"old": 3, "older": 4})
    recast("train", path, *OPTIONS, "--folds", "1")

    refused = recast("forecast", "shops", "--data", new)

    assert refused.code == 2
    assert "'old' has 3, 'older' has 4; at least 5 points" in refused.err


def test_fine_tuning_reads_by_the_schema_of_the_model(workplace, recast):
    path = write("shops.csv", {"old": 40, "older": 40})
    recast("train", path, *OPTIONS, "--folds", "1", "--missing", "forward")
    longer = pd.read_csv(write("longer.csv", {"old": 60, "older": 60}))
    longer.drop(index=[50]).assign(price=1.5).to_csv("longer.csv", index=False)

    tuned = recast("train", "longer.csv", "--from", "shops", "--epochs", "1")

    assert tuned.code == 0, tuned.err
    assert "1 missing moment put in and filled (forward)" in tuned.out
    longer.rename(columns={"sales": "units"}).assign(price=1.5).to_csv(
        "renamed.csv", index=False
    )
    refused = recast("train", "renamed.csv", "--from", "shops", "--epochs", "1")
    assert refused.code == 2
    assert "no column 'sales'" in refused.err
