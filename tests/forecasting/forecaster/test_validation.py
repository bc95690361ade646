import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.forecaster.prepare import prepare
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.forecaster.validation import (
    MAX_RESIDUAL_WINDOWS,
    calibration_errors,
    find_errors,
)
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig


def test_residuals_are_limited_to_a_maximum_of_windows():
    count = MAX_RESIDUAL_WINDOWS + 5000
    values = torch.sin(0.1 * torch.arange(float(count)))
    windows = Windows(np.array([0, count]), WindowSpec(seq_len=2, horizon=1))
    network = RecurrentNetwork(RecurrentConfig(hidden_size=1), seq_len=2, horizon=1)

    errors = find_errors(
        [network.eval()], WindowDataset(values, windows, "none"), ForecasterConfig()
    )

    assert errors.residuals.shape == (MAX_RESIDUAL_WINDOWS, 1)
    assert errors.volatility.shape == (MAX_RESIDUAL_WINDOWS,)


# Origins for the calibration


def prepared(count, *, validation, seed=0, series=1):
    walks = {
        f"s{i}": np.random.default_rng(seed + i).normal(size=count).cumsum()
        for i in range(series)
    }
    config = ForecasterConfig(
        windows=WindowSpec(seq_len=4, horizon=5),
        model=RecurrentConfig(hidden_size=2, normalization="last"),
        training=TrainingConfig(validation=validation, device="cpu"),
    )
    return prepare(Panel.from_values(walks), config), config


def repeat_last_value(config):
    """Return a network with forecasts z of zero: the last value, for ``last``."""
    network = config.make_network("last", None)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    return network.eval()


def test_few_held_out_origins_are_joined_by_earlier_ones():
    data, config = prepared(80, validation=0.01, series=3)
    network = repeat_last_value(config)

    errors = calibration_errors([network], data, config)

    # one held-out origin of each series, and five in the later half of the other 75
    assert len(data.validation) == 3
    assert errors.residuals.shape == (3 * 6, 5)
    assert errors.independent == pytest.approx(18)


def test_many_held_out_origins_stay_alone():
    data, config = prepared(300, validation=0.2)
    network = repeat_last_value(config)

    errors = calibration_errors([network], data, config)

    expected = find_errors([network], data.validation, config)
    np.testing.assert_array_equal(errors.residuals, expected.residuals)
    assert errors.independent == pytest.approx(56 / 5)


def test_errors_on_fitted_targets_are_enlarged_or_left_out():
    data, config = prepared(80, validation=0.01, series=20)
    simple = calibration_errors([repeat_last_value(config)], data, config)

    def fit_earlier(share):
        """Return a network that errs less on the targets before the held-out ones."""
        network = repeat_last_value(config)
        answers = {}
        for index in range(len(data.batches)):
            inputs, targets = data.batches.take(torch.tensor([index]))
            answers[inputs.numpy().tobytes()] = share * targets[0]
        network.forward = lambda inputs: torch.stack(
            [answers.get(row[None].numpy().tobytes(), torch.zeros(5)) for row in inputs]
        )
        return network

    enlarged = calibration_errors([fit_earlier(0.25)], data, config)
    alone = calibration_errors([fit_earlier(0.75)], data, config)

    np.testing.assert_allclose(enlarged.residuals, simple.residuals, rtol=1e-3)
    assert len(alone) == 20


def test_quantile_scores_are_of_held_out_windows_alone():
    data, config = prepared(80, validation=0.01, series=3)
    config = config.replace_model(quantiles=(0.1, 0.9))
    network = config.make_network("last", None).eval()

    assert len(calibration_errors([network], data, config)) == 3
