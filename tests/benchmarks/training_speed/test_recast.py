"""Recast and the tutorial train the same network on the same number of windows."""

import pytest

from benchmarks.common.job import Job
from benchmarks.training_speed.growth import make_panel
from benchmarks.training_speed.recast import (
    fit_each,
    make_training_config,
    make_training_loop,
    run_recast,
)
from benchmarks.training_speed.tutorial import Network, make_loader, train_network
from forecasting import Forecaster

PANEL = make_panel(3, 40)
SERIES = [PANEL.series(name) for name in PANEL.series_ids]


@pytest.mark.parametrize(
    "job", [Job(hidden_size=2, epochs=2), Job(hidden_size=2, batch_size=8, steps=3)]
)
def test_a_job_counts_the_steps_and_windows_that_the_tutorial_makes(job):
    loader = make_loader(SERIES, job)

    windows = train_network(loader, job)

    lengths = [len(series) for series in SERIES]
    assert job.count_windows(lengths) == 3 * 34
    assert job.count_steps(lengths) == (job.steps or 2 * len(loader))
    assert job.count_training_windows(lengths) == windows


def test_recast_trains_a_network_like_the_tutorials_on_as_many_windows():
    job = Job(epochs=1)
    forecaster = Forecaster(training=make_training_config(job)).fit(PANEL)

    windows = [
        run_recast(PANEL, job),
        fit_each(PANEL, job),
        make_training_loop(PANEL, job)(),
    ]

    theirs = [parameter.shape for parameter in Network(job).parameters()]
    network = forecaster.trained.networks[0]
    ours = [
        parameter.shape
        for name, parameter in network.named_parameters()
        if "skip" not in name
    ]
    assert windows == [3 * 34] * 3
    assert sorted(ours) == sorted(theirs)
