"""Blocks of series: values as alone, in processes, and after an interruption."""

import os
import signal
from functools import partial

import numpy as np
import pytest
import torch

from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.blocks import processes
from forecasting.blocks.processes import run_blocks, split_blocks
from forecasting.blocks.tasks import (
    BlockTask,
    backtest_block,
    fit_block,
    read_choices,
)
from forecasting.errors import ProcessDied, SeriesFailed
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.training import CheckpointClock, Checkpoints

CONFIG = ForecasterConfig(
    windows=WindowSpec(seq_len=5, horizon=2),
    model=RecurrentConfig(hidden_size=4, guard=True),
    training=TrainingConfig(epochs=2, device="cpu", refit=True, engine="torch"),
)


def make_task(count=3, length=40, **settings):
    rng = np.random.default_rng(count)
    panel = Panel.from_values(
        {f"s{i}": 20 + i + rng.normal(size=length) for i in range(count)}
    )
    ends = panel.lengths[:, None] - np.array([4, 2])
    return BlockTask(panel=panel, config=CONFIG, ends=ends, levels=(80,), **settings)


@pytest.fixture(scope="module")
def backtested():
    return backtest_block(make_task())


def fit_alone(task, place, length, **settings):
    panel = task.panel.pieces(np.array([place]), np.array([0]), np.array([length]))
    alone = Forecaster(
        windows=CONFIG.windows,
        model=CONFIG.replace_model(**settings).model,
        training=CONFIG.training,
    )
    return panel, alone


def test_a_backtest_is_that_of_a_forecaster_on_the_series_alone(backtested):
    task = make_task()

    for place in range(3):
        seen, alone = fit_alone(task, place, task.ends[place, 0])
        forecast = alone.fit(seen).predict(levels=(80,))
        np.testing.assert_array_equal(
            backtested.arrays["points"][0, place], forecast.points[0]
        )
        bounds = [side[0] for side in forecast.intervals[80]]
        np.testing.assert_array_equal(backtested.arrays["bounds"][0, :, place], bounds)
        networks = alone.without_guard().predict().points[0]
        np.testing.assert_array_equal(backtested.arrays["networks"][0, place], networks)


def test_a_fit_has_the_weights_of_a_forecaster_on_the_series_alone(backtested):
    choices = read_choices(backtested)
    points = backtested.arrays["points"].swapaxes(0, 1)
    task = make_task(choices=choices, points=points)

    fitted = fit_block(task)

    for place in range(3):
        panel, alone = fit_alone(
            task, place, 40, normalization=choices[place].normalization
        )
        alone.fit(panel, choices=choices[place].rungs)
        for name, weight in alone.trained.networks[0].state_dict().items():
            packed = fitted.arrays[f"members.0.{name}"][place]
            torch.testing.assert_close(torch.from_numpy(packed), weight, rtol=0, atol=0)


def test_a_series_without_a_backtest_chooses_by_itself(backtested):
    choices = [None, *read_choices(backtested)[1:]]
    points = backtested.arrays["points"].swapaxes(0, 1)
    task = make_task(choices=choices, points=points)

    fitted = fit_block(task)

    panel, alone = fit_alone(task, 0, 40)
    quantiles = alone.fit(panel).trained.intervals.quantiles
    np.testing.assert_array_equal(fitted.arrays["intervals.quantiles"][0], quantiles)


def test_finished_blocks_are_read_and_the_others_done(tmp_path, backtested):
    files = Checkpoints(tmp_path, {"job": "a"}, CheckpointClock(0.0))
    tasks, done = [make_task(3), make_task(2)], []
    work = partial(_count_calls, done)

    first = run_blocks(work, tasks[:1], checkpoints=files)
    both = run_blocks(work, tasks, checkpoints=files)
    unbroken = [backtest_block(task) for task in tasks]

    assert done == [3, 2]
    for result, expected in zip([*first, *both], [unbroken[0], *unbroken], strict=True):
        assert result.facts == expected.facts
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(result.arrays[name], array)


def _count_calls(done, task):
    done.append(len(task.panel))
    return backtest_block(task)


def test_processes_give_the_same_bits_in_order(monkeypatch):
    monkeypatch.setattr(processes, "MIN_SERIES", 1)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    tasks, counts = [make_task(2), make_task(1)], []

    results = run_blocks(backtest_block, tasks, on_series=counts.append)

    assert sorted(counts) == [1, 2]
    for result, task in zip(results, tasks, strict=True):
        for name, array in backtest_block(task).arrays.items():
            np.testing.assert_array_equal(result.arrays[name], array)


def _kill(task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_an_error_that_says_how_to_go_on(monkeypatch):
    monkeypatch.setattr(processes, "MIN_SERIES", 1)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")

    with pytest.raises(ProcessDied, match="--resume"):
        run_blocks(_kill, [make_task(1), make_task(1)])


def test_a_series_that_fails_is_named():
    task = make_task(length=7)  # too short for a window before the folds

    with pytest.raises(SeriesFailed, match=r"series 's0': .* too short"):
        backtest_block(task)


def test_blocks_cover_every_series_once():
    covered = [i for block in split_blocks(70, 32) for i in range(70)[block]]

    assert covered == list(range(70))
    assert split_blocks(0) == []
