"""Training job: one network's size and settings, the same for all packages.

Only the standard library is imported: `benchmarks.peer_training` runs in an environment
without Recast.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A network of one layer and a linear head, trained with Adam on squared errors.

    Attributes:
        cell: ``rnn``, ``gru`` or ``lstm``.
        hidden_size: size of the cell's state.
        seq_len, horizon: number of input observations and of forecast steps.
        batch_size: windows in an optimizer step.
        epochs: passes over all windows.
        steps: optimizer steps instead of epochs, on windows drawn at random.
    """

    cell: Literal["rnn", "gru", "lstm"] = "lstm"
    hidden_size: int = 32
    seq_len: int = 5
    horizon: int = 2
    batch_size: int = 32
    epochs: int = 20
    steps: int | None = None

    def __str__(self) -> str:
        size = f"{self.cell.upper()} {self.hidden_size}, seq_len {self.seq_len}"
        length = f"steps {self.steps}" if self.steps else f"epochs {self.epochs}"
        return f"{size}, horizon {self.horizon}, batch {self.batch_size}, {length}"

    def to_json(self) -> str:
        """Return the job as JSON, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Return the job of a JSON object written by `to_json`."""
        return cls(**json.loads(text))

    def count_windows(self, lengths: Iterable[int]) -> int:
        """Return the number of windows in series of these lengths."""
        overlap = self.seq_len + self.horizon - 1
        return sum(max(length - overlap, 0) for length in lengths)

    def count_steps(self, lengths: Iterable[int]) -> int:
        """Return the number of optimizer steps on series of these lengths."""
        if self.steps is not None:
            return self.steps
        return self.epochs * -(-self.count_windows(lengths) // self.batch_size)

    def count_training_windows(self, lengths: Iterable[int]) -> int:
        """Return the number of windows in all training steps, repeats included."""
        if self.steps is not None:
            return self.steps * self.batch_size
        return self.epochs * self.count_windows(lengths)
