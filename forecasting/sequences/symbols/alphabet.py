"""Symbols as codes, the whole numbers that networks read and give."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecasting.errors import InvalidSeries, SettingError, UnknownSymbols
from forecasting.types import IntArray

MAX_SYMBOLS = 100_000
Symbols = str | Sequence[Hashable]  # a text is a series of characters


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The symbols of a training, sorted, each with its position as code.

    Attributes:
        symbols: all of one type, distinct.
        unknown: the one that stands for all others; None to refuse them.
    """

    symbols: tuple[Any, ...]
    unknown: Any = None
    _codes: dict[Any, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = {symbol: code for code, symbol in enumerate(self.symbols)}
        object.__setattr__(self, "_codes", codes)  # the class is frozen

    @classmethod
    def fit(cls, series: Iterable[Sequence[Any]], unknown: Any = None) -> "Alphabet":
        """Collect the symbols of training series.

        Args:
            series: to collect from.
            unknown: stands for symbols outside the training; those that occur only
                once in it are replaced by it, so that it is learnt. None for none.

        Raises:
            SettingError: ``unknown`` is a symbol of the series.
            InvalidSeries: too many symbols, or of several types.
        """
        counts = Counter(symbol for one in series for symbol in one)
        if unknown is not None and unknown in counts:
            expected = "a symbol that the series do not have"
            raise SettingError("unknown", unknown, expected)
        min_count = 1 if unknown is None else 2
        frequent = [s for s, count in counts.items() if count >= min_count]
        try:
            symbols = sorted(frequent)
        except TypeError as error:
            raise InvalidSeries(
                "the series", "their symbols are of several types", "Give one type."
            ) from error
        if len(symbols) > MAX_SYMBOLS:
            problem = f"they have {len(symbols)} symbols; expected {MAX_SYMBOLS}"
            raise InvalidSeries("the series", problem, "Replace the rare ones.")
        extra = [] if unknown is None else [unknown]
        return cls((*symbols, *extra), unknown)

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def is_text(self) -> bool:
        """Whether all symbols but the unknown one are single characters."""
        return all(
            isinstance(one, str) and (len(one) == 1 or one == self.unknown)
            for one in self.symbols
        )

    def encode(self, series: Symbols, where: str = "the series") -> IntArray:
        """Return the code of each symbol, ``(steps,)``.

        Raises:
            UnknownSymbols: a symbol is not in the alphabet, which has no unknown.
        """
        codes = self._codes
        default = -1 if self.unknown is None else codes[self.unknown]
        encoded = np.array([codes.get(s, default) for s in series], np.int64)
        if (encoded < 0).any():
            unknown = dict.fromkeys(s for s in series if s not in codes)
            advice = "Leave them out, or train with unknown='?' or another symbol."
            kind = f"symbol of {where}:"
            raise UnknownSymbols(kind, unknown, self.symbols, advice)
        return encoded

    def decode(self, codes: IntArray) -> list[Any]:
        """Return the symbol of each code."""
        return [self.symbols[code] for code in codes]


def as_series(series: Any) -> list[Symbols]:
    """Return series of symbols; a text is one series of characters.

    Raises:
        InvalidSeries: none, or an empty one.
    """
    every = [series] if isinstance(series, str) else list(series)
    if not every:
        raise InvalidSeries("the series", "there are none", "Give at least one.")
    for number, one in enumerate(every):
        if not hasattr(one, "__len__") or not len(one):
            problem = "it is empty, or no list of symbols"
            advice = "Give a text, or a list of lists of symbols."
            raise InvalidSeries(f"series {number}", problem, advice)
    return [one if isinstance(one, str) else _plain(one) for one in every]


def _plain(one: Sequence[Hashable]) -> list[Hashable]:
    """Return a list, with NumPy scalars as Python values."""
    return one.tolist() if isinstance(one, np.ndarray) else list(one)
