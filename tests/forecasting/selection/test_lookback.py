"""The search over linear forecasts: its errors, and smoothing shared by trials."""

import numpy as np
import pytest

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.selection.lookback import LinearSearch
from forecasting.selection.normalization import linear_errors


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(0)
    waves = {f"s{i}": 9 + np.sin(np.arange(90 + i) / 2) for i in range(3)}
    return Panel.from_values(
        {name: wave + rng.normal(size=len(wave)) / 9 for name, wave in waves.items()}
    )


@pytest.mark.parametrize("method", ["ets", "log_ets", "last"])
@pytest.mark.parametrize("seq_len", [4, 24, 48])
def test_errors_are_those_of_a_lookback_tried_alone(panel, method, seq_len):
    search = LinearSearch(panel, horizon=3, season_length=12, fixed={})
    ends = panel.lengths - 9  # three horizons

    result = search.errors(method, 12, seq_len)

    spec = WindowSpec(seq_len=seq_len, horizon=3)
    alone = linear_errors(
        panel, spec, ends, method, season_length=12, scale_lag=12, tolerance=0.0
    )
    np.testing.assert_allclose(result, alone, rtol=1e-6)


def test_all_lookbacks_share_one_smoothing_of_each_method_and_season(panel):
    search = LinearSearch(panel, horizon=3, season_length=12, fixed={})

    search.lookback("ets", 12)
    search.error("log_ets", 1, 8)

    assert len(search.tried) == len(search.lookbacks(12)) + 1
    assert set(search.smoothed) == {("ets", 12), ("log_ets", 1)}
