"""Networks of classes: heads over the encoder that the forecasters use.

    end    the last state, through a linear head, gives the logits of a series
    step   every output gives the logits of its step: of its label, or the next symbol

Letters in comments: B batch, L steps, C channels, D state size, K classes.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from forecasting.models.cells import State
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork, TaskLoss

At = Literal["end", "step"]
PADDING = -1  # code of no symbol


class SequenceNetwork(RecurrentNetwork):
    """A recurrent network with a linear head to the logits of classes.

    Inputs of numbers are ``(batch, steps, channels)``, with a last column more where
    lengths vary: 1 for valid steps, 0 for padding after them. Inputs of symbols are
    codes, ``(batch, steps)``, with `PADDING` after the valid ones.

    Args:
        config: settings of the encoder; there is no linear skip.
        classes: number of classes.
        seq_len: steps of the longest series, padded.
        channels: of the series.
        at: read the last state, or every step.
        symbols: number of symbols, of inputs that are codes; 0 for numbers.
        embedding: numbers that represent a symbol.
        varying: the inputs have a column that marks the valid steps.

    >>> config = RecurrentConfig(cell="gru", linear_skip=False)
    >>> network = SequenceNetwork(config, classes=3, seq_len=5)
    >>> network(torch.zeros(2, 5, 1)).shape
    torch.Size([2, 3])
    """

    loss_name: ClassVar[TaskLoss | None] = "cross_entropy"

    def __init__(
        self,
        config: RecurrentConfig,
        *,
        classes: int,
        seq_len: int,
        channels: int = 1,
        at: At = "end",
        symbols: int = 0,
        embedding: int = 0,
        varying: bool = False,
    ) -> None:
        super().__init__(
            config,
            seq_len=seq_len,
            horizon=classes,
            input_size=embedding if symbols else channels,
        )
        self.at, self.varying = at, varying
        self.embedding = nn.Embedding(symbols, embedding) if symbols else None

    @property
    def reads_rows(self) -> bool:
        """Whether the encoder reads rows of numbers, all of one length, as they are."""
        return self.at == "end" and not self.varying and self.embedding is None

    def forward_trained(self, inputs: Tensor, **_: object) -> Tensor:
        """Return the logits of inputs as in training; see the class."""
        if self.embedding is not None:
            codes = inputs
            lengths = (codes != PADDING).sum(1)
            return self.logits(codes, _unless_equal(lengths, codes.shape[1]))[0]
        if not self.varying:
            return self.logits(inputs)[0]
        lengths = inputs[..., -1].sum(1).long()
        return self.logits(inputs[..., :-1], lengths)[0]

    def training_pair(
        self,
        inputs: Tensor,
        targets: Tensor,
        *,
        teacher_forcing: float = 0.0,
        truncate: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return logits and targets, which the training loss compares."""
        return self.forward_trained(inputs), targets

    def forward(self, inputs: Tensor, **_: object) -> Tensor:
        """Return the logits, ``(batch, classes)`` or ``(batch, steps, classes)``."""
        return self.forward_trained(inputs)

    def logits(
        self,
        values: Tensor,
        lengths: Tensor | None = None,
        state: list[State] | None = None,
    ) -> tuple[Tensor, list[State]]:
        """Return the logits and the final state of each layer.

        Args:
            values: ``(batch, steps, channels)``, or codes ``(batch, steps)``.
            lengths: valid steps of each row, ``(batch,)``; default all.
            state: initial state of each layer; default zero.
        """
        if self.embedding is not None:
            values = self.embedding(values.clamp(min=0))  # (B, L, E)
        if lengths is not None and self.config.patch_len > 1:
            lengths = -(-lengths // self.config.patch_len)
        outputs, final = self.encoder(self._window(values), state, lengths)
        last = outputs if self.at == "step" else self.encoder.read(final)
        logits: Tensor = self.head(last)
        return logits, final


def _unless_equal(lengths: Tensor, steps: int) -> Tensor | None:
    """Return lengths, or None where all are ``steps``: packing costs time."""
    return None if bool((lengths == steps).all()) else lengths


def mark_lengths(values: Tensor, mask: Tensor) -> Tensor:
    """Append the column that marks valid steps, ``(batch, steps, channels + 1)``."""
    return torch.cat([values, mask[..., None].to(values.dtype)], -1)
