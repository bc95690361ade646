"""The errors of rungs from rolling origins."""

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.datasets.window_dataset import split_windows
from forecasting.models.window_ridge import PENALTIES
from forecasting.scaling.normalization import Normalizer
from forecasting.selection.evidence import fit_linears, gather_evidence

SPEC = WindowSpec(seq_len=3, horizon=2)


def evidence_of(panel, ends, *, method="last", season=1, squared=False):
    ends = np.asarray(ends)
    normalizer = Normalizer.fit(panel, method, seq_len=SPEC.seq_len, ends=ends)
    batches, validation = split_windows(
        panel, SPEC, normalizer, ends, None, torch.device("cpu"), season_length=season
    )
    return gather_evidence(
        [],
        fit_linears(batches),
        batches,
        validation,
        offsets=panel.offsets,
        ends=ends,
        squared=squared,
    )


def noise(count, seed=0):
    return Panel.from_values({"a": np.random.default_rng(seed).normal(size=count)})


def test_origins_go_back_until_half_of_the_training_windows_remain():
    evidence = evidence_of(noise(50), [40])  # 36 training windows: 26, then 16

    assert len(evidence.owners) == 9 + 9
    assert all(np.isfinite(rows).all() for rows in evidence.errors.values())


def test_errors_are_in_units_of_the_mean_change():
    values = np.tile([0.0, 4.0], 25)  # each step changes by 4

    small, large = (
        evidence_of(Panel.from_values({"a": factor * values}), [40])
        for factor in (1.0, 1000.0)
    )

    for evidence in (small, large):
        # One step ahead a change of 4, two ahead none.
        np.testing.assert_allclose(evidence.errors["last_value"], 0.5, rtol=0.05)


def test_squared_errors_are_squared():
    plain, squared = (
        evidence_of(Panel.from_values({"a": np.arange(50.0)}), [40], squared=s)
        for s in (False, True)
    )

    np.testing.assert_allclose(plain.errors["last_value"], 1.5, rtol=0.05)
    np.testing.assert_allclose(squared.errors["last_value"], 2.5, rtol=0.08)


def test_a_series_without_validation_part_has_older_origins():
    evidence = evidence_of(noise(20), [20])

    assert len(evidence.owners) > 0
    assert "network" not in evidence.errors


def test_too_short_a_series_has_no_errors():
    evidence = evidence_of(noise(6), [6])

    assert (evidence.errors, len(evidence.owners)) == ({}, 0)
    assert evidence.lowest == "last_value"


@pytest.mark.parametrize(
    ("method", "season", "names"),
    [
        ("last", 1, {"last_value"}),
        ("last", 4, {"last_value", "seasonal_naive"}),
        ("ets", 4, {"last_value", "seasonal_naive", "smoothing"}),
    ],
)
def test_the_forecasts_are_those_of_the_settings(method, season, names):
    evidence = evidence_of(noise(60), [50], method=method, season=season)

    linear = {f"linear {place}" for place in range(len(PENALTIES))}
    assert set(evidence.errors) == names | linear


def test_no_error_depends_on_values_before_which_it_would_be_known():
    values = np.random.default_rng(0).normal(size=50)
    changed = values.copy()
    changed[45:] = 0  # the last five targets

    first, second = (
        evidence_of(Panel.from_values({"a": v}), [40]) for v in (values, changed)
    )

    ratio = first.errors["linear 3"] / second.errors["linear 3"]
    older, validation = ratio[9:], ratio[:9]
    np.testing.assert_allclose(older, older[0])  # but for the unit
    assert validation.std() > 0.1
