import numpy as np
import pytest
import torch

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.validation import to_array, validate
from forecasting.datasets.window_dataset import EVALUATION_BATCH, WindowDataset

SPEC = WindowSpec(seq_len=3, horizon=2)
OFFSETS = np.array([0, 3000, 9000])


@pytest.fixture
def dataset():
    values = torch.arange(9000.0)
    return WindowDataset(values, Windows(OFFSETS, SPEC), "last", season=2)


def test_rows_of_all_blocks_are_joined_in_the_order_of_the_windows(dataset):
    sizes = []

    def measure(block):
        sizes.append(len(block.targets))
        last = block.frame.recent[:, -1]
        return {"last": to_array(last), "series": block.series}

    measured = validate(dataset, measure)

    expected = [*range(2, 2998), *range(3002, 8998)]
    assert sizes == [EVALUATION_BATCH, EVALUATION_BATCH, 8992 - 2 * EVALUATION_BATCH]
    np.testing.assert_array_equal(measured["last"], expected)
    np.testing.assert_array_equal(measured["series"], np.repeat([0, 1], [2996, 5996]))


def test_a_limit_takes_windows_at_equal_distances(dataset):
    measured = validate(dataset, lambda block: {"index": block.index}, max_windows=4)

    assert measured["index"].tolist() == [0, 2248, 4496, 6744]


def test_a_block_has_the_levelled_observations_and_their_targets(dataset):
    def measure(block):
        return {"window": block.observations(), "next": to_array(block.targets)}

    measured = validate(dataset, measure, max_windows=1)

    assert measured["window"].tolist() == [[-2, -1, 0]]
    assert measured["next"].tolist() == [[1, 2]]
