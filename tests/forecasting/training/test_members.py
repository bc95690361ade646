import numpy as np
import pytest
import torch

from forecasting.datasets.rows import RowBatches
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig, start_member, train_members

CPU = torch.device("cpu")


def rows(count, seed=0):
    generator = np.random.default_rng(seed)
    inputs, targets = (
        generator.normal(size=(count, 5, 1)),
        generator.normal(size=(count, 2)),
    )
    return RowBatches(torch.tensor(inputs), torch.tensor(targets)).to(CPU)


def members(count):
    config = RecurrentConfig(hidden_size=4, linear_skip=False)
    return [
        start_member(seed, CPU, lambda: RecurrentNetwork(config, seq_len=5, horizon=2))
        for seed in range(count)
    ]


def weights(member):
    return torch.cat([p.detach().flatten() for p in member.network.parameters()])


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_members_get_the_weights_that_they_get_alone(engine):
    config = TrainingConfig(device="cpu", engine=engine, epochs=3, batch_size=16)
    together, alone = members(3), members(3)

    records = train_members(together, rows(60), rows(20, seed=1), config)
    for member in alone:
        train_members([member], rows(60), rows(20, seed=1), config)

    for member, other in zip(together, alone, strict=True):
        assert torch.equal(weights(member), weights(other))
    assert not torch.equal(weights(together[0]), weights(together[1]))
    assert [record.member for record in records] == [0] * 4 + [1] * 4 + [2] * 4


def test_drawing_a_member_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)

    members(2)

    assert torch.equal(torch.rand(3), expected)
