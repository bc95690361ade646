"""Methods of both clients for models of discrete series."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from serving.client import sequences
from serving.client.calls import Call, version_query
from serving.client.sequences import Generated, NumberData, Symbol, Symbols

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


class SequenceMethods(ABC):
    """Calls of `Client` to models of discrete series."""

    @abstractmethod
    def _send(self, call: Call[T]) -> T:
        """Send a request and return its parsed response."""

    def classify(
        self,
        model: str,
        data: NumberData,
        *,
        explain: bool = False,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return the class of each series: ``series_id, label, probability_CLASS ...``.

        Args:
            model: name in the registry.
            data: of each series by id, ``(steps,)`` or ``(steps, channels)``, lists or
                arrays; channels in the order of ``client.model(name)["channels"]``.
            explain: add columns ``parts``, the part of each step and channel in the
                class, and ``share``, that of the networks in the answer.
            alias: of the version; default: the service's alias.
            version: number of the version, instead of an alias.

        Raises:
            ValueError: a value is missing or infinite.
        """
        query = version_query(alias, version)
        return self._send(sequences.classify(model, data, query, explain=explain))

    def label(
        self,
        model: str,
        data: NumberData,
        *,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return the label of each step: ``series_id, step, label, probability_CLASS``.

        The arguments are those of `classify`.
        """
        return self._send(sequences.label(model, data, version_query(alias, version)))

    def next_symbol(
        self,
        model: str,
        data: Mapping[str, Symbols],
        *,
        top: int = 1,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return the next symbols: ``series_id, rank, symbol, probability``.

        Args:
            model, alias, version: as in `classify`.
            data: of each series by id, a list of symbols, or a text of characters.
            top: number of symbols listed, the most probable one first.
        """
        query = version_query(alias, version)
        return self._send(sequences.next_symbol(model, data, top, query))

    def generate(
        self,
        model: str,
        seed: Symbols = "",
        *,
        length: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: Symbol | None = None,
        random_state: int | None = None,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> Generated:
        """Return symbols that follow a seed, drawn one at a time.

        Args:
            model, alias, version: as in `classify`.
            seed: symbols to begin with; empty: one drawn by its frequency.
            length: number of symbols, at most.
            temperature: below 1 probable symbols become more probable, above 1 less.
            top_k: number of the most probable symbols to draw from; None for all.
            stop: symbol that ends the generation.
            random_state: same number, same symbols; None for other ones each time.
        """
        call = sequences.generate(
            model,
            seed,
            version_query(alias, version),
            length=length,
            temperature=temperature,
            top_k=top_k,
            stop=stop,
            random_state=random_state,
        )
        return self._send(call)


class AsyncSequenceMethods(ABC):
    """Calls of `AsyncClient` to models of discrete series: see `SequenceMethods`."""

    @abstractmethod
    async def _send(self, call: Call[T]) -> T:
        """Send a request and return its parsed response."""

    async def classify(
        self,
        model: str,
        data: NumberData,
        *,
        explain: bool = False,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return the class of each series: see `SequenceMethods.classify`."""
        query = version_query(alias, version)
        return await self._send(sequences.classify(model, data, query, explain=explain))

    async def label(
        self,
        model: str,
        data: NumberData,
        *,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return the label of each step: see `SequenceMethods.label`."""
        query = version_query(alias, version)
        return await self._send(sequences.label(model, data, query))

    async def next_symbol(
        self,
        model: str,
        data: Mapping[str, Symbols],
        *,
        top: int = 1,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> "pd.DataFrame":
        """Return the symbols after each series: see `SequenceMethods.next_symbol`."""
        query = version_query(alias, version)
        return await self._send(sequences.next_symbol(model, data, top, query))

    async def generate(
        self,
        model: str,
        seed: Symbols = "",
        *,
        length: int = 100,
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: Symbol | None = None,
        random_state: int | None = None,
        alias: str | None = None,
        version: int | str | None = None,
    ) -> Generated:
        """Return symbols that follow a seed: see `SequenceMethods.generate`."""
        call = sequences.generate(
            model,
            seed,
            version_query(alias, version),
            length=length,
            temperature=temperature,
            top_k=top_k,
            stop=stop,
            random_state=random_state,
        )
        return await self._send(call)
