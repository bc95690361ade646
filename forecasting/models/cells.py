"""One recurrent layer, in one direction or two, for every cell.

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
    """A recurrent layer whose transition is a feed-forward network.

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
            state: initial state ``(1, batch, hidden)``; zero when not given.
            lengths: steps of each row that count, ``(batch,)``; the state stops there.
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
    """One recurrent layer; two directions are merged, each read at its own last step.

    The reverse direction reads the window from its end, so its own last step is the
    window's first one. Reading it at the window's end would let it see one
    observation only.
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
                for the LSTM; zero when not given.
            lengths: steps of each row that count, ``(batch,)``; default all.

        Returns:
            Outputs ``(batch, steps, output_size)``, directions merged, and the final
            state of each direction, shaped like ``state``.
        """
        if self.reverse_cell is None:
            return run_cell(self.forward_cell, inputs, state, lengths)
        ahead, ahead_state = run_cell(
            self.forward_cell, inputs, _direction(state, 0), lengths
        )
        flipped = reverse_steps(inputs, lengths)
        behind, behind_state = run_cell(
            self.reverse_cell, flipped, _direction(state, 1), lengths
        )
        outputs = merge_directions(ahead, reverse_steps(behind, lengths), self.merge)
        return outputs, _join(ahead_state, behind_state)

    def read(self, state: State) -> Tensor:
        """Return what the layer knows at the end, ``(batch, output_size)``.

        Args:
            state: a final state as ``forward`` returns it.
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
    """Return one layer of a cell, one direction, batch first."""
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
    """Turn the steps of each row round; padding stays at the end."""
    if lengths is None:
        return inputs.flip(1)
    steps = torch.arange(inputs.shape[1], device=inputs.device)
    turned = lengths.to(inputs.device)[:, None] - 1 - steps  # (B, L)
    order = torch.where(turned >= 0, turned, steps)
    return inputs.gather(1, order[..., None].expand_as(inputs))


def merge_directions(ahead: Tensor, behind: Tensor, merge: Merge) -> Tensor:
    """Merge the two directions' last axis: side by side, summed or multiplied."""
    if merge == "concat":
        return torch.cat([ahead, behind], -1)
    return ahead + behind if merge == "sum" else ahead * behind


def _direction(state: State | None, direction: int) -> State | None:
    if state is None:
        return None
    if isinstance(state, tuple):
        h, c = state
        return h[direction : direction + 1], c[direction : direction + 1]
    return state[direction : direction + 1]


def _join(ahead: State, behind: State) -> State:
    if isinstance(ahead, tuple) and isinstance(behind, tuple):
        return torch.cat([ahead[0], behind[0]]), torch.cat([ahead[1], behind[1]])
    assert isinstance(ahead, Tensor)
    assert isinstance(behind, Tensor)
    return torch.cat([ahead, behind])
