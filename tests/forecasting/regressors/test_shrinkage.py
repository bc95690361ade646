import pytest
import torch

from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.models.window_ridge import LinearPart
from forecasting.regressors.shrinkage import network_share, shrink


def test_a_gain_of_four_standard_errors_is_trusted_to_sixteen_seventeenths():
    # squared errors fall by 3, 1, 3, 1: mean 2, standard error 1 / sqrt(4) = 1/2
    actual = torch.zeros(4, 1)
    linear = torch.tensor([[4.0], [2.0], [4.0], [2.0]]).sqrt()
    trained = torch.ones(4, 1)

    assert network_share(linear, trained, actual) == pytest.approx(16 / 17)


def test_windows_that_share_targets_count_as_fewer():
    actual = torch.zeros(4, 4)
    linear = torch.tensor([[4.0], [2.0], [4.0], [2.0]]).sqrt().expand(4, 4)

    share = network_share(linear, torch.ones(4, 4), actual)  # one independent window

    assert share == pytest.approx(4 / 5)


def test_a_network_that_gained_nothing_is_not_trusted():
    actual = torch.randn(9, 2)

    assert network_share(actual + 1, actual + 2, actual) == 0
    assert network_share(actual + 1, actual + 1, actual) == 0


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_shrunk_network_goes_a_share_of_the_way(share):
    torch.manual_seed(0)
    network = RecurrentNetwork(RecurrentConfig(), seq_len=5, horizon=2).double()
    torch.nn.init.normal_(network.head.weight)
    linear = LinearPart(torch.randn(5, 2).double(), torch.randn(2).double(), 0.1)
    inputs = torch.randn(3, 5, 1).double()
    trained, start = network(inputs), linear.forecast(inputs)

    shrink(network, linear, share)

    torch.testing.assert_close(network(inputs), start + share * (trained - start))
