import numpy as np
import pytest
import torch

from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, fit_each
from forecasting.errors import SeriesTooShort


def panel(lengths=(90, 60, 120, 75, 64)):
    generator = np.random.default_rng(0)
    return Panel.from_values(
        {
            f"s{number}": 20
            + np.sin(0.3 * np.arange(length))
            + generator.normal(size=length)
            for number, length in enumerate(lengths)
        },
    )


def settings(engine, **model):
    return {
        "model": RecurrentConfig(**{"hidden_size": 6, **model}),
        "training": TrainingConfig(device="cpu", engine=engine, epochs=3),
    }


def weights(forecaster):
    return [
        parameter
        for network in forecaster.trained.networks
        for parameter in network.parameters()
    ]


@pytest.mark.parametrize(
    ("engine", "model"),
    [
        ("fused", {}),
        ("fused", {"members": 2, "normalization": "auto"}),
        ("torch", {"strategy": "seq2seq", "num_layers": 2, "dropout": 0.3}),
    ],
)
def test_each_forecaster_is_the_one_that_its_series_alone_gives(engine, model):
    fleet = fit_each(panel(), **settings(engine, **model))

    assert list(fleet) == ["s0", "s1", "s2", "s3", "s4"]
    for name, forecaster in fleet.items():
        single = Panel.from_values({name: panel().series(name)})
        alone = Forecaster(**settings(engine, **model)).fit(single)
        for a, b in zip(weights(forecaster), weights(alone), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            forecaster.predict().points, alone.predict().points, rtol=1e-5
        )


def test_every_epoch_is_reported_with_its_series():
    reported = []

    fleet = fit_each(
        panel(),
        **settings("fused"),
        on_epoch=lambda *series_record: reported.append(series_record),
    )

    for name, forecaster in fleet.items():
        assert [
            record for series, record in reported if series == name
        ] == forecaster.history


def test_threads_and_random_numbers_are_left_as_they_were():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    torch.set_num_threads(2)

    fit_each(panel(), **settings("torch", cell="mlp"))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert threads == 2
    assert torch.equal(torch.get_rng_state(), before)


def test_a_series_without_a_window_is_named():
    with pytest.raises(SeriesTooShort, match=r"'s1'.*6"):
        fit_each(panel((60, 6, 60)), **settings("fused"))
