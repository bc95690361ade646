import numpy as np
import pytest
import torch

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import (
    EVALUATION_BATCH,
    MAX_GATHERED_VALUES,
    WindowDataset,
    iterate_batches,
)


def make(count=50, method="last", seq_len=3, horizon=2):
    values = torch.arange(float(count)) ** 2
    windows = Windows(
        np.array([0, count]), WindowSpec(seq_len=seq_len, horizon=horizon)
    )
    return WindowDataset(values, windows, method)


def test_inputs_and_targets_are_levelled_by_the_input_alone():
    inputs, targets = make().take(torch.tensor([0, 1]))

    assert inputs[..., 0].tolist() == [[-4, -3, 0], [-8, -5, 0]]
    assert targets.tolist() == [[5, 12], [7, 16]]


def test_with_window_inputs_and_targets_are_divided_by_the_size():
    inputs, targets = make(method="window").take(torch.tensor([0]))

    size = np.sqrt(np.var([0, 1, 4]) + 1e-6)
    expected = (np.array([0, 1, 4, 9, 16]) - 5 / 3) / size
    np.testing.assert_allclose(inputs[0, :, 0], expected[:3], rtol=1e-6)
    np.testing.assert_allclose(targets[0], expected[3:], rtol=1e-6)


def test_every_window_comes_once_in_order():
    batches = make(EVALUATION_BATCH + 100, method="none")

    blocks = [inputs for inputs, _ in batches.in_order()]

    assert [len(block) for block in blocks] == [EVALUATION_BATCH, 96]
    first = torch.cat(blocks)[:, 0, 0]
    torch.testing.assert_close(first, torch.arange(float(len(batches))) ** 2)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_every_window_comes_once_shuffled(batch_size):
    batches = make(method="none")
    torch.manual_seed(0)

    order = batches.order(batch_size)
    firsts = [
        inputs[:, 0, 0] for inputs, _ in iterate_batches(batches, order, batch_size)
    ]

    shuffled = torch.cat(firsts)
    ordered = torch.arange(46.0) ** 2
    assert not torch.equal(shuffled, ordered)
    assert torch.equal(shuffled.sort().values, ordered)


def test_what_is_gathered_in_one_go_is_whole_batches_of_bounded_size():
    batches = make(count=3 * MAX_GATHERED_VALUES // 5, method="none")

    blocks = [
        len(inputs) for inputs, _ in iterate_batches(batches, batches.order(1000), 1000)
    ]

    assert sum(blocks) == len(batches)
    assert all(block % 1000 == 0 for block in blocks[:-1])
    assert max(blocks) * batches.numbers <= MAX_GATHERED_VALUES


def test_a_random_order_is_the_same_from_the_same_generator():
    batches = make(method="none")

    first, again = (
        batches.order(8, generator=torch.Generator().manual_seed(3)) for _ in range(2)
    )

    assert torch.equal(first, again)


def test_no_windows_give_no_batches():
    batches = make(count=4)

    assert len(batches) == 0
    assert list(batches.in_order()) == []


def test_some_windows_are_taken_evenly():
    inputs, targets = make(method="none").sample_evenly(2)

    assert inputs[:, 0, 0].tolist() == [0, 23**2]
    assert targets.shape == (2, 2)
