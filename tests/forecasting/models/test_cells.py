import pytest
import torch
from torch import nn

from forecasting.models.cells import (
    CELLS,
    MERGES,
    MLPCell,
    RecurrentLayer,
    merge_directions,
    reverse_steps,
)

EACH_CELL = pytest.mark.parametrize("cell", CELLS)


def initial_state(cell, directions, rows, hidden):
    one = torch.randn(directions, rows, hidden)
    return (one, torch.randn(directions, rows, hidden)) if cell == "lstm" else one


def tensors(state):
    return state if isinstance(state, tuple) else (state,)


@EACH_CELL
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("merge", MERGES)
def test_a_layer_gives_an_output_a_step_and_a_state_a_direction(
    cell, bidirectional, merge
):
    layer = RecurrentLayer(cell, 2, 3, bidirectional=bidirectional, merge=merge)

    outputs, state = layer(torch.randn(4, 5, 2))

    size = 6 if bidirectional and merge == "concat" else 3
    assert outputs.shape == (4, 5, size)
    assert layer.output_size == size
    assert layer.read(state).shape == (4, size)
    for part in tensors(state):
        assert part.shape == (2 if bidirectional else 1, 4, 3)
    for part in tensors(layer.merge_state(state)):
        assert part.shape == (1, 4, size)


@pytest.mark.parametrize(
    ("merge", "expected"),
    [("concat", [2.0, 3.0, 5.0, 7.0]), ("sum", [7.0, 10.0]), ("mul", [10.0, 21.0])],
)
def test_two_directions_are_put_side_by_side_summed_or_multiplied(merge, expected):
    ahead, behind = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0])

    merged = merge_directions(ahead, behind, merge)

    assert merged.tolist() == expected


@EACH_CELL
@pytest.mark.parametrize("merge", MERGES)
def test_a_bidirectional_layer_is_two_layers_one_on_the_window_reversed(cell, merge):
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 2, 3, bidirectional=True, merge=merge)
    inputs = torch.randn(4, 5, 2)

    outputs, _ = layer(inputs)

    ahead, _ = layer.forward_cell(inputs)
    behind, _ = layer.reverse_cell(inputs.flip(1))
    torch.testing.assert_close(outputs, merge_directions(ahead, behind.flip(1), merge))


@EACH_CELL
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing_in_outputs_and_states(cell, bidirectional):
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 2, 3, bidirectional=bidirectional)
    inputs, lengths = torch.randn(3, 6, 2), torch.tensor([6, 1, 4])

    outputs, state = layer(inputs, lengths=lengths)

    for row, length in enumerate(lengths.tolist()):
        alone, alone_state = layer(inputs[row : row + 1, :length])
        torch.testing.assert_close(outputs[row, :length], alone[0])
        for part, expected in zip(tensors(state), tensors(alone_state), strict=True):
            torch.testing.assert_close(part[:, row], expected[:, 0])


@EACH_CELL
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_missing_initial_state_is_zero(cell, bidirectional):
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 2, 3, bidirectional=bidirectional)
    inputs = torch.randn(4, 5, 2)
    initial = initial_state(cell, 2 if bidirectional else 1, 4, 3)
    zero = tuple(map(torch.zeros_like, initial)) if cell == "lstm" else initial * 0

    outputs, _ = layer(inputs)

    torch.testing.assert_close(layer(inputs, zero)[0], outputs)
    assert not torch.allclose(layer(inputs, initial)[0], outputs)


@EACH_CELL
def test_a_window_read_in_two_parts_gives_what_it_gives_in_one(cell):
    torch.manual_seed(0)
    layer = RecurrentLayer(cell, 2, 3)
    inputs = torch.randn(4, 6, 2)

    first, state = layer(inputs[:, :2])
    second, _ = layer(inputs[:, 2:], state)

    torch.testing.assert_close(torch.cat([first, second], 1), layer(inputs)[0])


def test_the_mlp_cell_takes_the_step_of_its_formula():
    # W_1 = [2, 1], b_1 = 0, W_2 = -1, b_2 = 1, slope 0.01:
    # x = 1, h = 0: leaky(2) = 2, leaky(-2 + 1) = -0.01
    # x = -3, h = -0.01: leaky(-6.01) = -0.0601, leaky(0.0601 + 1) = 1.0601
    cell = MLPCell(1, 1)
    first, second = cell.transition[0], cell.transition[2]
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[2.0, 1.0]]))
        second.weight.fill_(-1)
    nn.init.zeros_(first.bias)
    nn.init.ones_(second.bias)

    outputs, state = cell(torch.tensor([[[1.0], [-3.0]]]))

    torch.testing.assert_close(outputs, torch.tensor([[[-0.01], [1.0601]]]))
    torch.testing.assert_close(state, torch.tensor([[[1.0601]]]))


def test_the_relu_network_lets_large_states_grow():
    layer = RecurrentLayer("rnn", 1, 1, nonlinearity="relu")
    for parameter in layer.parameters():
        nn.init.ones_(parameter)

    outputs, _ = layer(torch.tensor([[[1.0], [-5.0], [2.0]]]))

    assert outputs.flatten().tolist() == [3.0, 0.0, 4.0]


def test_steps_are_turned_round_and_padding_stays_at_the_end():
    inputs = torch.tensor([[1, 2, 3], [1, 2, 0]])[..., None]

    turned = reverse_steps(inputs, torch.tensor([3, 2]))

    assert turned[..., 0].tolist() == [[3, 2, 1], [2, 1, 0]]
