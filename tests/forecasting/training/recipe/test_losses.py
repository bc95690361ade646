import pytest
import torch

from forecasting.training.recipe.losses import LOSSES, make_loss, pinball_loss

FORECAST = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
ACTUAL = torch.tensor([[1.0, 5.0], [2.0, 4.0]])  # errors 0, 3, -1, 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mse", (9 + 1) / 4),
        ("mae", (3 + 1) / 4),
        ("huber", (2.5 + 0.5) / 4),  # 3 - 1/2 beyond delta 1, 1/2 at it
        ("quantile", (1.5 + 0.5) / 4),
    ],
)
def test_a_loss_is_the_mean_worked_by_hand(name, expected):
    assert float(make_loss(name)(FORECAST, ACTUAL)) == pytest.approx(expected)


def test_delta_sets_where_the_huber_loss_turns_linear():
    # 2 (3 - 2 / 2) beyond delta 2, 1 / 2 within
    loss = make_loss("huber", huber_delta=2)

    assert float(loss(FORECAST, ACTUAL)) == pytest.approx((4 + 0.5) / 4)


def test_a_high_quantile_weighs_forecasts_that_are_too_low():
    loss = make_loss("quantile", quantile=0.9)

    assert float(loss(FORECAST, ACTUAL)) == pytest.approx((0.9 * 3 + 0.1 * 1) / 4)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_pinball_loss_is_minimal_at_the_quantile(quantile):
    actual = torch.linspace(0, 1, 1001)
    guesses = torch.linspace(0, 1, 101)

    losses = [
        float(pinball_loss(guess.expand(1001), actual, quantile)) for guess in guesses
    ]

    assert float(guesses[losses.index(min(losses))]) == pytest.approx(
        quantile, abs=0.01
    )


@pytest.mark.parametrize("name", LOSSES)
def test_a_perfect_forecast_costs_nothing(name):
    assert float(make_loss(name)(ACTUAL, ACTUAL)) == 0
