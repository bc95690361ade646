"""Series of symbols as a stream of chunks, with the state carried between them.

Truncated back-propagation through time (Williams and Peng 1990): a batch holds a chunk
of each of several lanes, and the next batch the chunk after it, so that the network
goes on from its state; the gradient ends at the chunk. Long series are divided among
the lanes; the state begins at zero with each part.

Letters in comments: B lanes, L steps of a chunk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

import numpy as np
import torch
from torch import Tensor

from forecasting.datasets.rows import RowBatches
from forecasting.models.cells import State
from forecasting.models.encoder_decoder import detach_state
from forecasting.sequences.network import PADDING, SequenceNetwork
from forecasting.types import IntArray

VALIDATION_STEPS = 256  # of a validation row, which starts without a state
MAX_VALIDATION_ROWS = 256


@dataclass(frozen=True, slots=True)
class StreamBatches(RowBatches):
    """Chunks in the order of their lanes.

    Attributes:
        inputs: ``(batches * lanes, 1 + steps)``: 1 where a chunk continues the lane's
            last one, then codes.
        targets: codes of the following symbols, ``(batches * lanes, steps)``.
    """

    def order(
        self,
        batch_size: int,
        batches: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the chunks in order; of ``batches``, from a random one on."""
        count = len(self)
        if batches is None:
            return torch.arange(count, device=self.device)
        first = int(torch.randint(count // batch_size, (1,), generator=generator))
        index = torch.arange(batches * batch_size, device=self.device)
        return (first * batch_size + index) % count


class SymbolNetwork(SequenceNetwork):
    """A network of the next symbol, which carries its state over training batches.

    Args: as `SequenceNetwork`.
    """

    carried: list[State] | None = None

    def forward_trained(self, inputs: Tensor, **_: object) -> Tensor:
        """Return the logits of the symbol after each step, from a state of zero."""
        return self.logits(inputs[:, 1:])[0]

    def training_pair(
        self,
        inputs: Tensor,
        targets: Tensor,
        *,
        teacher_forcing: float = 0.0,
        truncate: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return logits and targets of a batch of chunks; go on from the last one."""
        state = _reset(self.carried, inputs[:, 0])
        logits, final = self.logits(inputs[:, 1:], state=state)
        self.carried = detach_state(final)
        return logits, targets


def _reset(state: list[State] | None, continues: Tensor) -> list[State] | None:
    """Return the state of each layer, zero in lanes that begin anew."""
    if state is None or _rows(state[0]) != len(continues):
        return None
    mask = continues[:, None]  # (B, 1)
    return [
        (layer[0] * mask, layer[1] * mask) if isinstance(layer, tuple) else layer * mask
        for layer in state
    ]


def _rows(state: State) -> int:
    return (state[0] if isinstance(state, tuple) else state).shape[1]


def make_stream(series: Sequence[IntArray], lanes: int, steps: int) -> StreamBatches:
    """Divide series of codes among lanes, into chunks.

    Args:
        series: of two codes or more each.
        lanes: at most so many; short series need fewer.
        steps: of a chunk.
    """
    total = sum(len(codes) - 1 for codes in series)
    size = steps * max(1, -(-total // (lanes * steps)))  # of a part
    parts = [p for codes in series for p in _parts(codes, size)]
    queues: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(lanes)]
    shortest = [(0, lane) for lane in range(lanes)]
    heapify(shortest)
    for part in sorted(parts, key=len, reverse=True):
        _, lane = shortest[0]
        queues[lane] += _chunks(part, steps)
        heapreplace(shortest, (len(queues[lane]), lane))
    queues = [queue for queue in queues if queue]
    longest = max(map(len, queues))
    empty = _chunk(np.empty(0, np.int64), steps, continues=True)
    for queue in queues:
        queue += [empty] * (longest - len(queue))
    rows = [chunk for batch in zip(*queues, strict=True) for chunk in batch]
    inputs, targets = (torch.stack(part) for part in zip(*rows, strict=True))
    return StreamBatches(inputs, targets)


def num_lanes(stream: StreamBatches) -> int:
    """Return the number of lanes: the chunks before the first that continues one."""
    continues = stream.inputs[:, 0].nonzero()
    return int(continues[0]) if len(continues) else len(stream)


def make_validation(series: Sequence[IntArray]) -> RowBatches:
    """Cut series into rows that start without a state, some of them if many."""
    parts = [p for codes in series for p in _parts(codes, VALIDATION_STEPS)]
    if not parts:
        empty = torch.empty(0, 1, dtype=torch.int64)
        return RowBatches(empty, empty)
    count = min(len(parts), MAX_VALIDATION_ROWS)
    chosen = [parts[n * len(parts) // count] for n in range(count)]
    rows = [_chunk(part, VALIDATION_STEPS, continues=False) for part in chosen]
    inputs, targets = (torch.stack(part) for part in zip(*rows, strict=True))
    return RowBatches(inputs, targets)


def split_in_time(
    series: Sequence[IntArray], share: float
) -> tuple[list[IntArray], list[IntArray]]:
    """Return the earlier part of each series, and its latest ``share``."""
    ends = [len(codes) - int(len(codes) * share) for codes in series]
    earlier = [codes[:end] for codes, end in zip(series, ends, strict=True)]
    later = [codes[end:] for codes, end in zip(series, ends, strict=True)]
    return [c for c in earlier if len(c) > 1], [c for c in later if len(c) > 1]


def _parts(codes: IntArray, size: int) -> Iterator[IntArray]:
    """Yield parts of ``size`` pairs; the last symbol of one begins the next."""
    for begin in range(0, len(codes) - 1, size):
        yield codes[begin : begin + size + 1]


def _chunks(part: IntArray, steps: int) -> list[tuple[Tensor, Tensor]]:
    return [
        _chunk(piece, steps, continues=number > 0)
        for number, piece in enumerate(_parts(part, steps))
    ]


def _chunk(piece: IntArray, steps: int, *, continues: bool) -> tuple[Tensor, Tensor]:
    """Return the row and the targets of a chunk, padded."""
    pairs = max(len(piece) - 1, 0)
    row = torch.full((1 + steps,), PADDING)
    targets = torch.full((steps,), PADDING)
    row[0] = int(continues)
    row[1 : 1 + pairs] = torch.from_numpy(piece[:pairs])
    targets[:pairs] = torch.from_numpy(piece[1:])
    return row, targets
