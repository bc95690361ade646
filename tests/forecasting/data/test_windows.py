import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data.window_spec import MAX_LENGTH
from forecasting.data.windows import Windows, WindowSpec, sliding_windows
from forecasting.errors import SeriesTooShort, SettingError

SPECS = st.builds(
    WindowSpec,
    seq_len=st.integers(1, 6),
    horizon=st.integers(1, 4),
    stride=st.integers(1, 4),
)
LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=5)


def borders(lengths):
    return np.concatenate([[0], np.cumsum(lengths)])


def naive_windows(lengths, spec, start=None, stop=None):
    """Return (series, first position within it) of every window, one by one."""
    windows = []
    for series, length in enumerate(lengths):
        first_target = spec.seq_len if start is None else start[series]
        end = length if stop is None else min(stop[series], length)
        begin = max(first_target, spec.seq_len) - spec.seq_len
        while begin + spec.length <= end:
            windows.append((series, begin))
            begin += spec.stride
    return windows


@given(SPECS, st.integers(1, 60))
def test_the_count_follows_the_formula(spec, length):
    windows = Windows(borders([length]), spec)

    expected = (length - spec.seq_len - spec.horizon) // spec.stride + 1
    assert len(windows) == max(expected, 0)


@given(SPECS, LENGTHS)
def test_many_series_have_the_sum_of_their_counts(spec, lengths):
    together = len(Windows(borders(lengths), spec))

    assert together == sum(len(Windows(borders([n]), spec)) for n in lengths)


@given(SPECS, LENGTHS)
def test_gathering_equals_a_naive_loop(spec, lengths):
    offsets = borders(lengths)
    values = torch.arange(float(offsets[-1]))
    windows = Windows(offsets, spec)

    gathered = windows.gather(values, torch.arange(len(windows)))

    expected = [
        list(range(offsets[s] + begin, offsets[s] + begin + spec.length))
        for s, begin in naive_windows(lengths, spec)
    ]
    assert gathered.tolist() == expected


@given(SPECS, LENGTHS, st.data())
def test_targets_lie_between_start_and_stop(spec, lengths, data):
    start = np.array([data.draw(st.integers(0, n)) for n in lengths])
    stop = np.array([data.draw(st.integers(0, n + 3)) for n in lengths])
    windows = Windows(borders(lengths), spec, start=start, stop=stop)

    series, first = (
        part.numpy() for part in windows.locate(torch.arange(len(windows)))
    )

    begin = first - borders(lengths)[series]
    expected = naive_windows(lengths, spec, start, stop)
    assert list(zip(series.tolist(), begin.tolist(), strict=True)) == expected
    assert (begin + spec.seq_len >= start[series]).all()
    assert (begin + spec.length <= stop[series]).all()


@given(SPECS, LENGTHS)
def test_a_target_never_starts_before_its_input_ends(spec, lengths):
    offsets = borders(lengths)
    moments = torch.cat([torch.arange(float(n)) for n in lengths])
    windows = Windows(offsets, spec)

    gathered = windows.gather(moments, torch.arange(len(windows)))

    inputs, targets = gathered[:, : spec.seq_len], gathered[:, spec.seq_len :]
    assert (targets[:, 0] == inputs[:, -1] + 1).all()


@given(SPECS, LENGTHS)
def test_no_window_crosses_the_border_of_a_series(spec, lengths):
    offsets = borders(lengths)
    owner = torch.from_numpy(np.repeat(np.arange(len(lengths)), lengths))
    windows = Windows(offsets, spec)
    index = torch.arange(len(windows))

    owners = windows.gather(owner, index)

    series, _ = windows.locate(index)
    assert (owners == series[:, None]).all()


def test_features_are_gathered_side_by_side():
    values = torch.stack([torch.arange(10.0), 100 + torch.arange(10.0)], 1)
    windows = Windows(borders([10]), WindowSpec(seq_len=2, horizon=1))

    gathered = windows.gather(values, torch.tensor([0, 7]))

    assert gathered.shape == (2, 3, 2)
    assert gathered[1, :, 1].tolist() == [107, 108, 109]


def test_ten_million_windows_need_no_memory():
    spec = WindowSpec(seq_len=100, horizon=50)
    offsets = borders([5_000_149] * 2)
    tracemalloc.start()

    windows = Windows(offsets, spec)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    index = [part for part in vars(windows).values() if isinstance(part, torch.Tensor)]
    assert len(windows) == 10_000_000
    assert peak < 100_000
    assert sum(part.numel() for part in index) == 4 * 2 + spec.length


def test_windows_far_along_a_long_series_are_found():
    windows = Windows(borders([5_000_149] * 2), WindowSpec(seq_len=100, horizon=50))

    series, first = windows.locate(torch.tensor([0, 4_999_999, 5_000_000, 9_999_999]))

    assert series.tolist() == [0, 0, 1, 1]
    assert first.tolist() == [0, 4_999_999, 5_000_149, 10_000_148]


def test_evenly_spread_windows_are_distinct_and_reach_across_all_series():
    windows = Windows(borders([50, 50]), WindowSpec(seq_len=3, horizon=2))

    sample, complete = windows.sample_evenly(10), windows.sample_evenly(1000)

    assert len(sample.unique()) == 10
    assert windows.locate(sample)[0].bincount().tolist() == [5, 5]
    assert complete.tolist() == list(range(92))


@given(SPECS, st.integers(1, 40))
def test_sliding_windows_are_those_of_the_index(spec, length):
    values = np.arange(float(length))
    windows = Windows(borders([length]), spec)
    if length < spec.length:
        with pytest.raises(SeriesTooShort, match=f"{spec.length} points are needed"):
            sliding_windows(values, spec)
        return

    inputs, targets = sliding_windows(values, spec)

    gathered = windows.gather(torch.from_numpy(values), torch.arange(len(windows)))
    assert inputs.shape == (len(windows), spec.seq_len, 1)
    assert inputs[..., 0].tolist() == gathered[:, : spec.seq_len].tolist()
    assert targets.tolist() == gathered[:, spec.seq_len :].tolist()


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_sliding_windows_are_views(shape):
    values = np.arange(float(np.prod(shape))).reshape(shape)

    inputs, targets = sliding_windows(values, WindowSpec(seq_len=5, horizon=2))

    assert np.shares_memory(inputs, values)
    assert np.shares_memory(targets, values)


def test_sliding_windows_take_the_first_feature_as_the_target():
    values = np.stack([np.arange(10.0), np.arange(10.0) + 100], 1)

    inputs, targets = sliding_windows(values, WindowSpec(seq_len=3, horizon=2))

    assert inputs[0].tolist() == [[0, 100], [1, 101], [2, 102]]
    assert targets[0].tolist() == [3, 4]


@pytest.mark.parametrize("name", ["seq_len", "horizon", "stride"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5", None])
def test_a_length_that_is_no_whole_number_is_refused(name, value):
    with pytest.raises(
        SettingError, match=f"{name} must be a whole number of at least"
    ):
        WindowSpec(**{name: value})


def test_an_absurd_length_is_refused():
    with pytest.raises(SettingError, match="seq_len must be at most 10000"):
        WindowSpec(seq_len=MAX_LENGTH + 1)


@given(SPECS, LENGTHS, st.data())
def test_with_less_history_a_window_begins_with_its_series_first_value(
    spec, lengths, data
):
    min_history = np.array([data.draw(st.integers(1, spec.seq_len)) for _ in lengths])
    offsets = borders(lengths)
    windows = Windows(offsets, spec, least=min_history)

    gathered = windows.gather(
        torch.arange(float(offsets[-1])), torch.arange(len(windows))
    )

    expected = []
    for begin, length, first in zip(offsets[:-1], lengths, min_history, strict=True):
        for end in range(first, length - spec.horizon + 1, spec.stride):
            places = np.arange(end - spec.seq_len, end + spec.horizon)
            expected.append(begin + np.maximum(places, 0))
    assert gathered.tolist() == [row.tolist() for row in expected]


def test_windows_are_drawn_by_the_chances_of_their_series():
    spec = WindowSpec(seq_len=2, horizon=1)
    windows = Windows(borders([10, 50, 2, 30]), spec)  # the third has no window
    generator = torch.Generator().manual_seed(0)

    drawn = windows.draw(torch.tensor([0.5, 0.25, 9.0, 0.0]), 6000, generator)

    series, _ = windows.locate(drawn)
    share = torch.bincount(series, minlength=4) / 6000
    torch.testing.assert_close(
        share, torch.tensor([2 / 3, 1 / 3, 0, 0]), atol=0.02, rtol=0
    )
    assert drawn.unique().tolist() == list(range(8 + 48))  # every window of both


def test_the_same_generator_draws_the_same_windows():
    windows = Windows(borders([40]), WindowSpec())

    first, second = (
        windows.draw(torch.ones(1), 9, torch.Generator().manual_seed(seed))
        for seed in (1, 1)
    )

    assert torch.equal(first, second)
    assert windows.counts().tolist() == [34]
