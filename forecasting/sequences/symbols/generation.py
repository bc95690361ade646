"""Generation of symbols, one at a time: each is drawn, and read before the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from forecasting.errors import SettingError
from forecasting.models.cells import State
from forecasting.sequences.network import SequenceNetwork
from forecasting.types import FloatArray, IntArray

MAX_LENGTH = 100_000
BLOCK_NUMBERS = 2**22
MIN_TEMPERATURE, MAX_TEMPERATURE = 1e-3, 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Settings of a generation.

    Attributes:
        length: number of symbols, at most.
        temperature: by which logits are divided: below 1 the probable symbols become
            more probable, above 1 less.
        top_k: number of the most probable symbols to draw from; None for all.

    Raises:
        SettingError: a value is out of range.
    """

    length: int = 100
    temperature: float = 1.0
    top_k: int | None = None

    def __post_init__(self) -> None:
        whole = int | np.integer
        if not isinstance(self.length, whole) or not 1 <= self.length <= MAX_LENGTH:
            expected = f"a whole number from 1 to {MAX_LENGTH}"
            raise SettingError("length", self.length, expected)
        if not MIN_TEMPERATURE <= self.temperature <= MAX_TEMPERATURE:
            expected = f"from {MIN_TEMPERATURE:g} to {MAX_TEMPERATURE:g}"
            raise SettingError("temperature", self.temperature, expected)
        if self.top_k is not None and not (
            isinstance(self.top_k, whole) and self.top_k >= 1
        ):
            raise SettingError("top_k", self.top_k, "a whole number of at least 1")


class Generator:
    """The state of a generation: reads symbols, gives the logits of the next one.

    Args:
        network: of the next symbol, on the CPU, in evaluation mode.
        block: symbols computed at once while many are read; default by the size of
            the network.
    """

    def __init__(self, network: SequenceNetwork, block: int | None = None) -> None:
        self.network = network
        width = max(network.horizon, 4 * network.config.hidden_size)
        self._block = block or max(BLOCK_NUMBERS // width, 1)
        self.state: list[State] | None = None

    @torch.inference_mode()
    def read(self, codes: IntArray) -> FloatArray:
        """Read symbols; return the logits of the one after them, ``(symbols,)``."""
        for begin in range(0, len(codes), self._block):
            part = torch.from_numpy(codes[begin : begin + self._block])
            logits, self.state = self.network.logits(part[None], state=self.state)
        last: FloatArray = logits[0, -1].double().numpy()
        return last


def generate(
    network: SequenceNetwork,
    seed: IntArray,
    sampling: Sampling,
    random: np.random.RandomState,
    stop: Any = None,
) -> Iterator[int]:
    """Yield the codes that follow a seed, without the stop symbol.

    Args:
        network: see `Generator`.
        seed: codes to begin with, at least one.
        sampling: settings.
        random: of the draws.
        stop: code that ends the generation; None for none.
    """
    generator, codes = Generator(network), seed
    for _ in range(sampling.length):
        code = draw(generator.read(codes), sampling, random)
        if code == stop:
            return
        yield code
        codes = np.array([code])


def draw(logits: FloatArray, sampling: Sampling, random: np.random.RandomState) -> int:
    """Draw a code by its probability."""
    scaled = logits / sampling.temperature
    if sampling.top_k is not None and sampling.top_k < len(scaled):
        last = np.partition(scaled, -sampling.top_k)[-sampling.top_k]
        scaled = np.where(scaled >= last, scaled, -np.inf)
    weights = np.exp(scaled - scaled.max()).cumsum()
    return int(np.searchsorted(weights, random.random_sample() * weights[-1], "right"))
