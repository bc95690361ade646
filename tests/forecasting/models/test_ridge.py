import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge

from forecasting.models.ridge import fit_ridge_path, fit_shared_ridge_path

PENALTIES = [1e-6, 1e-3, 1e-1, 1.0, 10.0]


def fit_ridge(inputs, targets, penalty):
    return fit_ridge_path([(inputs, targets)]).solve(penalty)


def regression(rows=60, inputs=4, outputs=2, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, inputs)) * np.arange(1, inputs + 1) + 3
    y = x @ random.normal(size=(inputs, outputs)) + random.normal(size=(rows, outputs))
    return torch.from_numpy(x), torch.from_numpy(y - 5)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_weights_and_bias_are_those_of_scikit_learn(penalty):
    x, y = regression()
    alpha = penalty * len(x) * float(x.var(0, correction=0).mean())

    weights, bias = fit_ridge(x, y, penalty)

    reference = Ridge(alpha=alpha).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(weights.numpy().T, reference.coef_, rtol=1e-9)
    np.testing.assert_allclose(bias.numpy(), reference.intercept_, rtol=1e-9)


def test_without_a_penalty_it_is_least_squares():
    x, y = regression()

    weights, bias = fit_ridge(x, y, 0.0)

    reference = LinearRegression().fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(weights.numpy().T, reference.coef_, rtol=1e-9)
    np.testing.assert_allclose(bias.numpy(), reference.intercept_, rtol=1e-9)


def test_an_infinite_penalty_forecasts_the_mean():
    x, y = regression()

    weights, bias = fit_ridge(x, y, math.inf)

    assert (weights == 0).all()
    torch.testing.assert_close(bias, y.mean(0))


@given(st.lists(st.integers(0, 60), max_size=4))
def test_batches_add_up_to_the_same_as_one(cuts):
    x, y = regression()
    borders = [0, *sorted(cuts), len(x)]
    batches = [(x[a:b], y[a:b]) for a, b in pairwise(borders)]

    weights, bias = fit_ridge_path(batches).solve(0.1)

    expected = fit_ridge(x, y, 0.1)
    torch.testing.assert_close((weights, bias), expected, rtol=1e-10, atol=1e-10)


def test_a_penalty_means_the_same_in_any_unit():
    x, y = regression()

    weights, bias = fit_ridge(1000 * x, y, 0.1)

    expected, same_bias = fit_ridge(x, y, 0.1)
    torch.testing.assert_close(1000 * weights, expected)
    torch.testing.assert_close(bias, same_bias)


def test_weights_shrink_as_the_penalty_grows():
    path = fit_ridge_path([regression()])

    norms = [float(path.solve(penalty)[0].norm()) for penalty in [*PENALTIES, math.inf]]

    assert norms == sorted(norms, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 1e-6, 1.0, math.inf])
@pytest.mark.parametrize("rows", [1, 20])
def test_constant_inputs_forecast_the_mean(rows, penalty):
    x = torch.full((rows, 3), 7.0)
    y = torch.arange(float(rows))[:, None]

    weights, bias = fit_ridge(x, y, penalty)

    forecast = x.double() @ weights + bias
    torch.testing.assert_close(forecast, y.mean().double().expand(rows, 1))


@pytest.mark.parametrize("penalty", [0.0, 1e-6, 1.0])
def test_a_constant_column_among_others_stays_finite(penalty):
    x, y = regression()
    x[:, 1] = 4.0

    weights, bias = fit_ridge(x, y, penalty)

    without = torch.cat([x[:, :1], x[:, 2:]], 1)
    alpha = penalty * len(x) * float(x.var(0, correction=0).mean())
    reference = Ridge(alpha=alpha).fit(without.numpy(), y.numpy())
    forecast = (x @ weights + bias).numpy()
    np.testing.assert_allclose(forecast, reference.predict(without.numpy()), rtol=1e-7)


def test_more_inputs_than_rows_stay_finite_and_fit_the_rows():
    x, y = regression(rows=3, inputs=10)

    weights, bias = fit_ridge(x, y, 0.0)

    torch.testing.assert_close(x @ weights + bias, y)


def test_float32_rows_are_summed_in_float64():
    x, y = regression(rows=1000)

    weights, bias = fit_ridge(x.float(), y.float(), 1e-3)

    assert weights.dtype == bias.dtype == torch.float64
    expected = fit_ridge(x.float().double(), y.float().double(), 1e-3)
    torch.testing.assert_close((weights, bias), expected, rtol=1e-12, atol=1e-12)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        fit_ridge_path([])


def test_weights_shared_by_the_outputs_are_those_of_one_long_regression():
    rng = np.random.default_rng(0)
    rows, inputs, outputs, num_shared, penalty = 40, 3, 2, 2, 0.1
    x, y = rng.normal(size=(rows, inputs)), rng.normal(size=(rows, outputs))
    z = rng.normal(size=(rows, outputs, num_shared))
    batches = [tuple(map(torch.from_numpy, parts)) for parts in ((x, z, y),)]

    weights, bias, shared = fit_shared_ridge_path(lambda: batches).solve(penalty)

    # Each row and output is a row of its own: [x in the output's place, z, 1 there].
    design, ones = (
        np.zeros((rows, outputs, outputs * inputs + num_shared)),
        np.eye(outputs),
    )
    for h in range(outputs):
        design[:, h, h * inputs : (h + 1) * inputs] = x
        design[:, h, outputs * inputs :] = z[:, h]
    design = np.concatenate([design, np.broadcast_to(ones, (rows, 2, 2))], 2)
    size = np.array(
        [
            *[penalty * x.var(0).mean()] * 6,
            *[penalty * z.var(0).sum(0).mean()] * 2,
            0,
            0,
        ]
    )
    flat = design.reshape(rows * outputs, -1)
    left = flat.T @ flat / rows + np.diag(size)
    solved = np.linalg.solve(left, flat.T @ y.reshape(-1) / rows)
    np.testing.assert_allclose(weights.T.flatten(), solved[:6], rtol=1e-9)
    np.testing.assert_allclose(shared, solved[6:8], rtol=1e-9)
    np.testing.assert_allclose(bias, solved[8:], rtol=1e-9)


def test_shared_weights_are_zero_under_an_infinite_penalty():
    z, y = torch.ones(4, 2, 3), torch.arange(8.0).reshape(4, 2)
    batches = [(torch.eye(4), z, y)]

    weights, bias, shared = fit_shared_ridge_path(lambda: batches).solve(float("inf"))

    assert not weights.any()
    assert not shared.any()
    assert bias.tolist() == y.mean(0).tolist()
