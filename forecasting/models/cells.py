"""Recurrent layers of every cell: RNN, LSTM, GRU and MLP, in one direction or two.

Letters in comments: B batch, L steps, F features, H hidden size, D directions.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Cell = Literal["rnn", "lstm", "gru", "mlp"]
CELLS: tuple[str, ...] = get_args(Cell)
Merge = Literal["concat", "sum", "mul"]
MERGES: tuple[str, ...] = get_args(Merge)
State = Tensor | tuple[Tensor, Tensor]  # (D, B, H); the LSTM has two, h and c


class MLPCell(nn.Module):
    """A recurrent layer with a feed-forward network as its transition.

    ``h' = leaky(W_2 leaky(W_1 [x, h] + b_1) + b_2)`` with LeakyReLU, slope 0.01. The
    arguments and results are those of ``torch.nn.RNN(batch_first=True)``, one
    direction.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.transition = nn.Sequential(
            nn.Linear(input_size + hidden_size, hidden_size),
            nn.LeakyReLU(),
            nn.Linear(hidden_size, hidden_size),
            nn.LeakyReLU(),
        )

    def forward(
        self, inputs: Tensor, state: Tensor | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return outputs ``(batch, steps, hidden)`` and state ``(1, batch, hidden)``.

        Args:
            inputs: ``(batch, steps, features)``.
            state: initial state ``(1, batch, hidden)``; default zero.
            lengths: valid steps of each row, ``(batch,)``; the state stops after them.
        """
        if state is None:
            state = inputs.new_zeros(1, len(inputs), self.hidden_size)
        hidden = state[0]
        outputs = []
        for t, step in enumerate(inputs.unbind(1)):
            following = self.transition(torch.cat([step, hidden], 1))  # (B, H)
            if lengths is not None:
                following = torch.where((t < lengths)[:, None], following, hidden)
            hidden = following
            outputs.append(hidden)
        return torch.stack(outputs, 1), hidden[None]


class RecurrentLayer(nn.Module):
    """A recurrent layer in one direction or two; two are merged at their last steps.

    The reverse direction runs from the end of the window, so that its last step is the
    window's first one. At the window's last step it would have read one observation
    only.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: str = "tanh",
        bidirectional: bool = False,
        merge: Merge = "concat",
    ) -> None:
        super().__init__()
        self.cell, self.merge, self.bidirectional = cell, merge, bidirectional
        doubled = bidirectional and merge == "concat"
        self.output_size = hidden_size * (2 if doubled else 1)
        self.forward_cell = make_cell(cell, input_size, hidden_size, nonlinearity)
        self.reverse_cell = (
            make_cell(cell, input_size, hidden_size, nonlinearity)
            if bidirectional
            else None
        )

    def forward(
        self, inputs: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run the layer.

        Args:
            inputs: ``(batch, steps, features)``.
            state: initial state, ``(directions, batch, hidden)``, or a pair of them
                for the LSTM; default zero.
            lengths: valid steps of each row, ``(batch,)``; default all.

        Returns:
            Outputs ``(batch, steps, output_size)``, directions merged, and the final
            state of each direction, shaped like ``state``.
        """
        if self.reverse_cell is None:
            return run_cell(self.forward_cell, inputs, state, lengths)
        outputs_forward, state_forward = run_cell(
            self.forward_cell, inputs, _direction(state, 0), lengths
        )
        flipped = reverse_steps(inputs, lengths)
        outputs_reverse, state_reverse = run_cell(
            self.reverse_cell, flipped, _direction(state, 1), lengths
        )
        outputs = merge_directions(
            outputs_forward, reverse_steps(outputs_reverse, lengths), self.merge
        )
        return outputs, _join(state_forward, state_reverse)

    def read(self, state: State) -> Tensor:
        """Return the merged output at the last step, ``(batch, output_size)``.

        Args:
            state: a final state, returned by ``forward``.
        """
        hidden = state[0] if isinstance(state, tuple) else state  # (D, B, H)
        if self.reverse_cell is None:
            return hidden[0]
        return merge_directions(hidden[0], hidden[1], self.merge)

    def merge_state(self, state: State) -> State:
        """Return the state with its directions merged, ``(1, batch, output_size)``."""
        if isinstance(state, tuple):
            return self.read(state[0])[None], self.read(state[1])[None]
        return self.read(state)[None]


def make_cell(
    cell: Cell, input_size: int, hidden_size: int, nonlinearity: str = "tanh"
) -> nn.Module:
    """Build one layer of a cell, one direction, batch first."""
    if cell == "lstm":
        return nn.LSTM(input_size, hidden_size, batch_first=True)
    if cell == "gru":
        return nn.GRU(input_size, hidden_size, batch_first=True)
    if cell == "mlp":
        return MLPCell(input_size, hidden_size)
    return nn.RNN(input_size, hidden_size, nonlinearity=nonlinearity, batch_first=True)


def run_cell(
    cell: nn.Module, inputs: Tensor, state: State | None, lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Run a cell over ``(batch, steps, features)``; rows may end early."""
    if isinstance(cell, MLPCell):
        assert not isinstance(state, tuple)
        outputs, final = cell(inputs, state, lengths)
        return outputs, final
    if lengths is None:
        outputs, final = cell(inputs, state)
        return outputs, final
    packed = pack_padded_sequence(
        inputs, lengths.cpu(), batch_first=True, enforce_sorted=False
    )
    outputs, final = cell(packed, state)
    padded, _ = pad_packed_sequence(
        outputs, batch_first=True, total_length=inputs.shape[1]
    )
    return padded, final


def reverse_steps(inputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Reverse the steps of each row; padding stays at the end."""
    if lengths is None:
        return inputs.flip(1)
    steps = torch.arange(inputs.shape[1], device=inputs.device)
    reversed_steps = lengths.to(inputs.device)[:, None] - 1 - steps  # (B, L)
    order = torch.where(reversed_steps >= 0, reversed_steps, steps)
    return inputs.gather(1, order[..., None].expand_as(inputs))


def merge_directions(forward: Tensor, reverse: Tensor, merge: Merge) -> Tensor:
    """Merge two directions along the last axis: concatenate, add or multiply."""
    if merge == "concat":
        return torch.cat([forward, reverse], -1)
    return forward + reverse if merge == "sum" else forward * reverse


def _direction(state: State | None, direction: int) -> State | None:
    if state is None:
        return None
    if isinstance(state, tuple):
        h, c = state
        return h[direction : direction + 1], c[direction : direction + 1]
    return state[direction : direction + 1]


def _join(forward: State, reverse: State) -> State:
    if isinstance(forward, tuple) and isinstance(reverse, tuple):
        return torch.cat([forward[0], reverse[0]]), torch.cat([forward[1], reverse[1]])
    assert isinstance(forward, Tensor)
    assert isinstance(reverse, Tensor)
    return torch.cat([forward, reverse])
