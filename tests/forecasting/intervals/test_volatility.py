import numpy as np
import pytest

from forecasting.intervals.volatility import VolatilityScaling, window_volatility


def errors(exponent, count=400, horizon=2, seed=0):
    """Errors in proportion to a power of volatility, and that volatility."""
    random = np.random.default_rng(seed)
    volatility = np.exp(random.normal(size=count))
    return random.normal(size=(count, horizon)) * volatility[
        :, None
    ] ** exponent, volatility


def test_volatility_is_the_root_mean_square_change():
    windows = np.array([[1.0, 4.0, 0.0], [5.0, 5.0, 5.0]])

    # changes 3 and -4: sqrt(25 / 2)
    np.testing.assert_allclose(window_volatility(windows), [np.sqrt(12.5), 0])


def test_a_window_of_one_observation_does_not_move():
    assert window_volatility(np.ones((3, 1))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_the_exponent_is_found(exponent):
    fitted = VolatilityScaling.fit(*errors(exponent)).exponent

    assert fitted == pytest.approx(exponent, abs=0.11)


def test_few_errors_are_no_evidence():
    residuals, volatility = errors(1.0, count=4, horizon=4)

    assert VolatilityScaling.fit(residuals, volatility) == VolatilityScaling()


@pytest.mark.parametrize(
    ("residuals", "volatility"),
    [
        (np.zeros((0, 2)), np.zeros(0)),
        (np.full((9, 2), np.nan), np.ones(9)),
        (np.zeros((9, 2)), np.ones(9)),
        (np.ones((9, 2)), np.zeros(9)),
    ],
)
def test_nothing_to_go_by_leaves_errors_as_they_are(residuals, volatility):
    assert VolatilityScaling.fit(residuals, volatility) == VolatilityScaling()


def test_errors_double_with_volatility_at_exponent_one():
    sizes = VolatilityScaling(1.0, typical=2.0).sizes(np.array([200.0, 400.0]))

    np.testing.assert_allclose(sizes, [[100], [200]], rtol=1e-4)


def test_a_window_without_a_change_has_a_tenth_of_the_typical_size():
    assert VolatilityScaling(1.0, typical=5.0).sizes(np.zeros(1)) == pytest.approx(0.1)
    assert VolatilityScaling(0.0, typical=5.0).sizes(np.zeros(1)) == 1
