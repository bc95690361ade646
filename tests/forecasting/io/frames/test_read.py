"""Frames of all kinds are read as one panel, or refused with a clear error."""

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from forecasting.errors import AmbiguousColumns, InvalidValues, UnreadableData
from forecasting.forecaster.forecaster import Forecaster
from forecasting.io import read_csv, read_frame
from forecasting.training import TrainingConfig

DAYS = pd.date_range("2024-01-01", periods=30)
VALUES = np.arange(30.0)


def long_frame(items=("A", "B")):
    return pd.concat(
        pd.DataFrame({"item": item, "timestamp": DAYS, "sales": VALUES + 100 * place})
        for place, item in enumerate(items)
    ).reset_index(drop=True)


def objects(values):
    return pd.Series(list(values), dtype=object)


def changed(**columns):
    return long_frame().assign(**columns)


def arrow(kind, values):
    pa = pytest.importorskip("pyarrow")
    return pd.array(list(values), dtype=pd.ArrowDtype(kind(pa)))


def unnamed(frame):
    index = frame.index
    return frame.set_axis(index.set_names([None] * index.nlevels))


STAMPS, SALES, ITEMS = (long_frame()[n] for n in ("timestamp", "sales", "item"))
FRAMES = {
    "long": long_frame,
    "item and time": lambda: long_frame().set_index(["item", "timestamp"]),
    "time and item": lambda: long_frame().set_index(["timestamp", "item"]),
    "item of the index": lambda: long_frame().set_index("item"),
    "time of the index": lambda: long_frame().set_index("timestamp"),
    "time twice": lambda: long_frame().set_index("timestamp", drop=False),
    "a series": lambda: long_frame().set_index(["item", "timestamp"])["sales"],
    "periods of the index": lambda: changed(
        timestamp=STAMPS.dt.to_period("D")
    ).set_index(["timestamp", "item"]),
    "periods": lambda: changed(timestamp=STAMPS.dt.to_period("D")),
    "periods as objects": lambda: changed(timestamp=objects(STAMPS.dt.to_period("D"))),
    "dates": lambda: changed(timestamp=objects(t.date() for t in STAMPS)),
    "datetimes": lambda: changed(
        timestamp=objects(datetime.datetime(t.year, t.month, t.day) for t in STAMPS)
    ),
    "text": lambda: changed(timestamp=STAMPS.astype(str)),
    "seconds": lambda: changed(timestamp=STAMPS.astype("datetime64[s]")),
    "categories": lambda: changed(item=ITEMS.astype("category")),
    "nullable": lambda: long_frame().convert_dtypes(),
    "pyarrow": lambda: (
        pytest.importorskip("pyarrow")
        and long_frame().convert_dtypes(dtype_backend="pyarrow")
    ),
    "pyarrow table": lambda: pytest.importorskip("pyarrow").Table.from_pandas(
        long_frame()
    ),
    "date32": lambda: changed(timestamp=arrow(lambda pa: pa.date32(), STAMPS)),
    "decimal128": lambda: changed(
        sales=arrow(
            lambda pa: pa.decimal128(9, 2), [decimal.Decimal(int(v)) for v in SALES]
        )
    ),
    "decimals": lambda: changed(sales=objects(decimal.Decimal(int(v)) for v in SALES)),
    "integers": lambda: changed(sales=SALES.astype("int16")),
    "integers as objects": lambda: changed(sales=objects(int(v) for v in SALES)),
    "sparse": lambda: changed(sales=pd.arrays.SparseArray(SALES)),
    "polars": lambda: pytest.importorskip("polars").from_pandas(long_frame()),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_panel_is_the_same_from_every_kind_of_frame(kind):
    frame = FRAMES[kind]()
    before = frame.copy() if isinstance(frame, pd.DataFrame | pd.Series) else None

    panel = read_frame(frame)

    assert panel.series_ids == ("A", "B")
    assert panel.values.tolist() == SALES.tolist()
    assert (
        panel.timestamps.tolist()
        == STAMPS.astype("datetime64[ns]").astype("int64").tolist()
    )
    assert panel.calendar.freq == "D"
    assert panel.target == "sales"
    if isinstance(before, pd.DataFrame):
        pd.testing.assert_frame_equal(frame, before)
    elif before is not None:
        pd.testing.assert_series_equal(frame, before)


def test_levels_without_names_are_the_time_and_the_series():
    frame = unnamed(long_frame().set_index(["timestamp", "item"]))

    panel = read_frame(frame)

    assert panel.series_ids == ("A", "B")
    assert panel.schema.time == ("timestamp",)
    assert "series_id: 'series_id' (of the index)" in panel.notes


def test_numbered_steps_of_an_index_are_the_time():
    frame = changed(timestamp=np.tile(np.arange(30), 2))

    panel = read_frame(unnamed(frame.set_index(["item", "timestamp"])))

    assert panel.series_ids == ("A", "B")
    assert panel.last_timestamps().tolist() == [29, 29]


@pytest.mark.parametrize(
    ("index", "freq", "first"),
    [
        (pd.period_range("2023-01", periods=9, freq="M"), "MS", "2023-01-01"),
        (pd.period_range("2023Q1", periods=9, freq="Q"), "QS-JAN", "2023-01-01"),
        (pd.period_range("2023", periods=9, freq="Y"), "YS-JAN", "2023-01-01"),
        (pd.period_range("2023-01-02", periods=9, freq="W"), "W-MON", "2023-01-02"),
        (pd.date_range("2023-01-31", periods=9, freq="ME"), "ME", "2023-01-31"),
        (pd.date_range("2023-01-01", periods=9, freq="h"), "h", "2023-01-01"),
        (pd.date_range("2023-01-01", periods=9).astype(str), "D", "2023-01-01"),
        (pd.Index(range(1990, 1999), name="year"), "YS-JAN", "1990-01-01"),
    ],
)
def test_a_series_brings_its_time_in_its_index(index, freq, first):
    panel = read_frame(pd.Series(range(9), index=index, name="visits"))

    assert panel.calendar.freq == freq
    assert panel.timestamps[0] == np.datetime64(first)
    assert panel.series_ids == ("visits",)


def test_a_series_without_names_holds_the_target_by_step():
    panel = read_frame(pd.Series([1.0, 2.0, 3.0]))

    assert panel.target == "target"
    assert panel.timestamps.tolist() == [1, 2, 3]


def test_a_wide_frame_is_refused_with_the_way_to_melt_it():
    frame = pd.DataFrame({"A": VALUES, "B": VALUES}, index=DAYS)

    with pytest.raises(AmbiguousColumns, match=r"target=.*frame\.melt\("):
        read_frame(frame)

    melted = frame.melt(ignore_index=False, var_name="series_id", value_name="target")
    assert read_frame(melted).series_ids == ("A", "B")
    assert read_frame(frame, target="B").series_ids == ("B",)


def test_an_index_that_contradicts_a_column_of_its_name_is_refused():
    frame = long_frame(["A"]).set_index("timestamp", drop=False)
    frame["timestamp"] += pd.Timedelta("1D")

    with pytest.raises(UnreadableData, match="both named 'timestamp', and differ"):
        read_frame(frame)


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        ([1, 2], "list is no frame"),
        (pd.concat({"a": long_frame()}, axis=1), "the columns have 2 levels"),
        (long_frame().head(0), "there are no rows"),
        (pd.DataFrame(np.ones((3, 2)), columns=["y", "y"]), "'y' more than once"),
    ],
)
def test_what_is_no_frame_of_series_is_refused(frame, problem):
    with pytest.raises(UnreadableData, match=problem):
        read_frame(frame)


def test_complex_numbers_are_refused():
    with pytest.raises(InvalidValues, match="'sales': complex numbers"):
        read_frame(changed(sales=SALES + 1j), target="sales")


def test_whole_fractions_name_the_series_as_integers():
    frame = changed(item=ITEMS.map({"A": 1.0, "B": 2.0}))

    panel = read_frame(frame, series_id="item", target="sales")

    assert panel.series_ids == ("1", "2")


def test_categories_that_are_numbers_name_series_and_are_no_values():
    frame = changed(item=pd.Categorical(ITEMS.map({"A": 7, "B": 8})))

    panel = read_frame(frame)

    assert panel.series_ids == ("7", "8")
    assert panel.target == "sales"


def test_booleans_are_covariates_of_zeros_and_ones():
    flags = objects([True, False] * 30)

    panel = read_frame(changed(promo=flags), target="sales", known_covariates="promo")

    assert panel.covariates["promo"].tolist() == [1.0, 0.0] * 30


@pytest.fixture(scope="module")
def fitted():
    forecaster = Forecaster(training=TrainingConfig(epochs=1, device="cpu"))
    return forecaster.fit(long_frame(), target="sales", series_id="item")


def test_a_forecaster_takes_frames_and_reads_them_as_in_the_training(fitted, tmp_path):
    long_frame().to_csv(tmp_path / "sales.csv", index=False)
    expected = fitted.predict(read_csv(tmp_path / "sales.csv"))

    for kind in ("long", "item and time", "categories", "nullable"):
        forecast = fitted.predict(FRAMES[kind]())

        assert forecast.series_ids == ("A", "B")
        np.testing.assert_array_equal(forecast.points, expected.points)
        np.testing.assert_array_equal(forecast.timestamps, expected.timestamps)


def test_a_forecaster_takes_a_series():
    series = pd.Series(VALUES, index=DAYS, name="visits")
    forecaster = Forecaster(training=TrainingConfig(epochs=1, device="cpu"))

    forecast = forecaster.fit(series).predict(series.tail(10))

    assert forecast.series_ids == ("visits",)
    assert forecast.timestamps[0, 0] == np.datetime64("2024-01-31")


def test_reading_needs_no_torch_and_no_scipy():
    code = (
        "import sys, forecasting\n"
        "forecasting.read_csv, forecasting.read_frame\n"
        "import forecasting.data.schema\n"
        "names = ('torch', 'scipy', 'mlflow', 'sklearn', 'polars')\n"
        "print([name for name in names if name in sys.modules])"
    )

    answer = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert answer == "[]\n"
