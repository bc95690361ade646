import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from forecasting.data.panel import Panel
from forecasting.errors import InvalidValues, SettingError
from forecasting.scaling.methods import METHODS, MIN_SCALE, auto_methods
from forecasting.scaling.normalization import Normalizer

BY_WINDOW = ("last", "mean", "window", "log")
VALUES = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0.01, 1e6))


def two_series():
    random = np.random.default_rng(0)
    return Panel.from_values(
        {"a": 50 + random.normal(size=60).cumsum(), "b": 2 + random.random(size=25)}
    )


def owners(panel):
    return np.repeat(np.arange(len(panel)), panel.lengths)


@pytest.mark.parametrize("method", METHODS)
@given(first=VALUES, second=VALUES)
def test_the_inverse_brings_every_value_back(method, first, second):
    panel = Panel.from_values({"a": first, "b": second})
    normalizer = Normalizer.fit(panel, method, seq_len=3)

    scaled = normalizer.scale_points(panel.values, owners(panel))
    back = normalizer.select(owners(panel)).unscale(scaled[:, None])[:, 0]

    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(back, panel.values, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_series_are_scaled_as_their_values_are(method):
    panel = two_series()
    normalizer = Normalizer.fit(panel, method, seq_len=3)

    scaled = normalizer.scale_series(panel)

    expected = normalizer.scale_points(panel.values, owners(panel))
    assert scaled.dtype == torch.float32
    np.testing.assert_array_equal(scaled.numpy(), expected.astype(np.float32))


@pytest.mark.parametrize(
    ("method", "scaler"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
    ],
)
def test_fitted_statistics_are_those_of_scikit_learn(method, scaler):
    panel = two_series()

    scaled = Normalizer.fit(panel, method, seq_len=3).scale_series(panel)

    expected = [
        scaler.fit_transform(panel.series(s)[:, None]) for s in panel.series_ids
    ]
    np.testing.assert_allclose(scaled, np.concatenate(expected)[:, 0], atol=1e-5)


# Worked by hand, all with seq_len 2, on the series 1, 3, 2, 6. Windows of two are
# (1, 3), (3, 2) and (2, 6).
#   last    levelled (-2, 0), (1, 0), (-4, 0): squares 4 + 1 + 16 = 21 over 6 values
#   mean    levelled by 1, 0.5 and 2 to either side: 2 (1 + 0.25 + 4) = 10.5 over 6
@pytest.mark.parametrize(
    ("method", "center", "scale"),
    [
        ("none", 0, 1),
        ("standard", 3, np.sqrt((4 + 0 + 1 + 9) / 4)),
        ("minmax", 1, 5),
        ("robust", 2.5, 3.75 - 1.75),
        ("last", 3, np.sqrt(21 / 6)),
        ("mean", 3, np.sqrt(10.5 / 6)),
        ("window", 3, np.sqrt(10.5 / 6)),
    ],
)
def test_the_statistics_of_a_series_by_hand(method, center, scale):
    panel = Panel.from_values({"a": [1, 3, 2, 6]})

    normalizer = Normalizer.fit(panel, method, seq_len=2)

    np.testing.assert_allclose(normalizer.center, [center])
    np.testing.assert_allclose(normalizer.scale, [scale])


def test_the_statistics_of_log_are_those_of_last_on_logarithms():
    panel = two_series()
    logs = Panel.from_values({s: np.log(panel.series(s)) for s in panel.series_ids})

    normalizer = Normalizer.fit(panel, "log", seq_len=4)

    expected = Normalizer.fit(logs, "last", seq_len=4)
    np.testing.assert_allclose(normalizer.center, expected.center)
    np.testing.assert_allclose(normalizer.scale, expected.scale)


@pytest.mark.parametrize(
    ("method", "level", "size"),
    [
        ("none", 0, 1),
        ("standard", 0, 1),
        ("minmax", 0, 1),
        ("robust", 0, 1),
        ("last", 6, 1),
        ("log", 6, 1),
        ("mean", 3, 1),
        ("window", 3, np.sqrt((4 + 1 + 9) / 3 + MIN_SCALE**2)),
    ],
)
def test_the_level_of_a_window_by_hand(method, level, size):
    window = torch.tensor([[1.0, 2.0, 6.0]])

    result = METHODS[method].level(window)

    expected = (torch.tensor([[float(level)]]), torch.tensor([[float(size)]]))
    torch.testing.assert_close(result, expected)


@pytest.mark.parametrize("method", BY_WINDOW)
def test_levelled_windows_have_a_root_mean_square_of_one(method):
    panel = two_series()

    scaled = Normalizer.fit(panel, method, seq_len=5).scale_series(panel)

    for series in scaled.split(panel.lengths.tolist()):
        windows = series.unfold(0, 5, 1)
        level, size = METHODS[method].level(windows)
        levelled = (windows - level) / size
        assert float(levelled.square().mean().sqrt()) == pytest.approx(1, rel=1e-3)


def test_a_long_series_is_sized_by_some_of_its_windows_alike():
    walk = np.random.default_rng(0).normal(size=20_000).cumsum()

    normalizer = Normalizer.fit(Panel.from_values({"a": walk}), "last", seq_len=5)

    windows = np.lib.stride_tricks.sliding_window_view(walk, 5)
    exact = np.sqrt(((windows - windows[:, -1:]) ** 2).mean())
    assert normalizer.scale[0] == pytest.approx(exact, rel=0.2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.1, 1e-9, 1e9])
def test_a_constant_series_stays_finite(method, value):
    panel = Panel.from_values({"a": [value] * 30})

    normalizer = Normalizer.fit(panel, method, seq_len=5)

    scaled = normalizer.scale_series(panel)
    level, size = METHODS[method].level(scaled.unfold(0, 5, 1))
    assert normalizer.scale.tolist() == [1]
    assert torch.isfinite((scaled.unfold(0, 5, 1) - level) / size).all()


@pytest.mark.parametrize("method", METHODS)
def test_series_do_not_touch_each_other(method):
    panel = two_series()
    alone = Panel.from_values({"b": panel.series("b")})

    together = Normalizer.fit(panel, method, seq_len=30)  # longer than b

    expected = Normalizer.fit(alone, method, seq_len=30)
    np.testing.assert_allclose(together.center[1], expected.center[0], rtol=1e-12)
    np.testing.assert_allclose(together.scale[1], expected.scale[0], rtol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_what_lies_behind_the_end_is_not_looked_at(method):
    panel = two_series()
    ends = np.array([40, 20])
    poisoned = panel.values.copy()
    poisoned[40:60] = 1e9
    poisoned[80:] = -1e9
    garbage = Panel.from_values({"a": poisoned[:60], "b": poisoned[60:]})

    clean = Normalizer.fit(panel, method, seq_len=5, ends=ends)
    after = Normalizer.fit(garbage, method, seq_len=5, ends=ends)

    np.testing.assert_array_equal(clean.center, after.center)
    np.testing.assert_array_equal(clean.scale, after.scale)


def test_statistics_are_selected_in_the_order_asked_for():
    normalizer = Normalizer.fit(two_series(), "standard", seq_len=5)

    selected = normalizer.select(np.array([1, 0, 1]))

    assert selected.center.tolist() == normalizer.center[[1, 0, 1]].tolist()
    assert selected.scale.tolist() == normalizer.scale[[1, 0, 1]].tolist()


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_log_refuses_what_is_not_positive(value):
    panel = Panel.from_values({"a": [1.0, 2.0], "b": [1.0, 3.0, value]})

    with pytest.raises(InvalidValues, match=r"zero or less at 3 of series 'b'.*choose"):
        Normalizer.fit(panel, "log", seq_len=2)


def test_log_names_the_series_that_begins_with_a_zero():
    panel = Panel.from_values({"a": [1.0, 2.0], "b": [0.0, 1.0]})

    with pytest.raises(InvalidValues, match="zero or less at 1 of series 'b'"):
        Normalizer.fit(panel, "log", seq_len=2)


def test_log_reads_a_later_zero_as_the_least_value_it_was_fitted_on():
    panel = Panel.from_values({"a": [3.0, 2.0, 0.0, 1.0]})
    normalizer = Normalizer.fit(panel, "log", seq_len=2, ends=np.array([2]))

    scaled = normalizer.unscale(normalizer.scale_series(panel).numpy()[None])

    assert scaled == pytest.approx(np.array([[3.0, 2.0, 2.0, 1.0]]), rel=1e-6)


def test_a_forecast_beyond_every_number_is_infinite():
    normalizer = Normalizer("log", np.zeros(1), np.ones(1), np.ones(1), np.zeros(1))

    values = normalizer.unscale(np.array([[1e4, -1e4]]))

    assert values.tolist() == [[np.inf, 0]]


def test_an_unknown_method_is_refused():
    with pytest.raises(
        SettingError, match=r"normalization must be one of none, .*'zip'"
    ):
        Normalizer.fit(two_series(), "zip", seq_len=5)


def test_log_is_a_candidate_only_where_all_is_positive():
    positive = Panel.from_values({"a": [1.0, 2.0]})
    with_zero = Panel.from_values({"a": [1.0, 2.0], "b": [0.0, 1.0]})

    assert "log" in auto_methods(positive)
    assert "log" not in auto_methods(with_zero)


@pytest.mark.parametrize("method", ["standard", "minmax", "last", "log", "log_ets"])
def test_series_by_blocks_have_the_statistics_that_they_have_alone(method):
    random = np.random.default_rng(0)
    many = {f"s{n}": 5 + random.random(1000) for n in range(300)}  # two blocks
    panel = Panel.from_values(many)

    result = Normalizer.fit(panel, method, seq_len=3)

    alone = Panel.from_values({"s299": many["s299"]})
    expected = Normalizer.fit(alone, method, seq_len=3)
    for name in ("center", "scale", "floor", "shift"):
        assert getattr(result, name)[299] == getattr(expected, name)[0]
    scaled = result.scale_series(panel)[-1000:]
    assert torch.equal(scaled, expected.scale_series(alone))
