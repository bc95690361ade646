import numpy as np
import pytest
import torch

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.models.window_ridge import (
    DEFAULT_PENALTY,
    PENALTIES,
    _largest_equal,
    fit_linear,
)

SPEC = WindowSpec(seq_len=4, horizon=2)


def parts(values, method="none", share=0.3):
    """Return earlier and later windows of one series."""
    offsets = np.array([0, len(values)])
    end = np.array([round(len(values) * (1 - share))])
    flat = torch.as_tensor(values, dtype=torch.float32)
    return (
        WindowDataset(flat, Windows(offsets, SPEC, stop=end), method),
        WindowDataset(flat, Windows(offsets, SPEC, start=end), method),
    )


def noise(count=400):
    return np.random.default_rng(0).normal(size=count)


def test_what_is_linear_is_forecast_exactly():
    wave = np.sin(0.7 * np.arange(200))
    earlier, later = parts(wave)

    linear = fit_linear(earlier, later, steps=2)

    inputs, targets = later.take(torch.arange(len(later)))
    torch.testing.assert_close(
        linear.forecast(inputs).float(), targets, rtol=0, atol=1e-4
    )
    assert linear.penalty == PENALTIES[0]


def test_noise_is_not_forecast_at_all():
    earlier, later = parts(noise())

    linear = fit_linear(earlier, later, steps=2)

    assert (linear.weights == 0).all()


def test_a_random_walk_is_forecast_by_its_last_value():
    walk = noise().cumsum()
    earlier, later = parts(walk, method="last")

    linear = fit_linear(earlier, later, steps=2)

    assert (linear.weights == 0).all()
    assert (linear.bias == 0).all()


def test_a_random_walk_with_a_clear_drift_is_forecast_to_drift():
    walk = (noise() + 2).cumsum()
    earlier, later = parts(walk, method="last")

    linear = fit_linear(earlier, later, steps=2)

    assert (linear.weights == 0).all()
    assert linear.bias.tolist() == pytest.approx([2, 4], rel=0.1)


# The second penalty is worse by 1 and 0 on two windows: by 0.5, with a deviation of 0.5
# and a standard error of 0.5 / sqrt(2) = 0.35 when they are independent, of 0.5 when
# their targets overlap and they count as one. The third is worse by 3 on each.
@pytest.mark.parametrize(
    ("tolerance", "overlap", "chosen"), [(1, 1, 0), (1, 2, 1), (1.5, 1, 1), (0, 2, 0)]
)
def test_the_largest_penalty_that_is_not_clearly_worse_is_chosen(
    tolerance, overlap, chosen
):
    errors = torch.tensor([[1.0, 2.0], [2.0, 2.0], [4.0, 5.0]])

    assert _largest_equal(errors, tolerance, overlap=overlap) == chosen


def test_without_a_validation_part_the_penalty_is_a_fixed_one():
    earlier, nothing = parts(noise(), share=0)

    linear = fit_linear(earlier, nothing, steps=2)

    assert len(nothing) == 0
    assert linear.penalty == DEFAULT_PENALTY


def test_only_the_steps_asked_for_are_forecast():
    earlier, later = parts(noise())

    linear = fit_linear(earlier, later, steps=1)

    assert linear.forecast(torch.zeros(3, 4, 1)).shape == (3, 1)
    assert linear.weights.dtype == torch.float64


def test_the_validation_part_does_not_enter_the_weights():
    values = np.sin(0.7 * np.arange(200)) + 0.1 * noise(200)
    earlier, _ = parts(values)
    poisoned = values.copy()
    poisoned[140:] = 1e9
    same, _ = parts(poisoned)
    nothing = parts(values, share=0)[1]

    clean = fit_linear(earlier, nothing, steps=2)
    after = fit_linear(same, nothing, steps=2)

    assert torch.equal(clean.weights, after.weights)
    assert torch.equal(clean.bias, after.bias)
