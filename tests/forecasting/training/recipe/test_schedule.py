import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from forecasting.training import TrainingConfig
from forecasting.training.recipe.schedule import num_epochs, step_rates


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 100])
def test_one_cycle_is_that_of_torch(steps):
    config = TrainingConfig(schedule="one_cycle", learning_rate=0.02)
    optimizer = torch.optim.Adam([torch.zeros(1)])
    cycle, expected = OneCycleLR(optimizer, 0.02, total_steps=steps + 1), []
    for _ in range(steps):
        group = optimizer.param_groups[0]
        expected.append((group["lr"], group["betas"][0]))
        optimizer.step()
        cycle.step()

    schedule = np.transpose(step_rates(steps, config))

    np.testing.assert_allclose(schedule, expected, rtol=1e-9)


def test_a_constant_rate_stays():
    rates, betas = step_rates(3, TrainingConfig(learning_rate=0.5))

    assert rates.tolist() == [0.5] * 3
    assert betas.tolist() == [0.9] * 3


def test_no_steps_have_no_rates():
    schedule = step_rates(0, TrainingConfig(schedule="one_cycle"))

    assert [len(part) for part in schedule] == [0, 0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"epochs": 7, "batch_size": 10}, (7, 5)),
        ({"steps": 100}, (10, 10)),
        ({"steps": 15}, (10, 2)),
        ({"steps": 4}, (4, 1)),
        ({"steps": 0}, (0, 0)),
    ],
)
def test_epochs_and_their_steps(settings, expected):
    assert num_epochs(41, TrainingConfig(**settings)) == expected
