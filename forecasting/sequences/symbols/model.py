"""A model of the next symbol of discrete series: embedding, recurrent network, softmax.

It learns the cross-entropy at every step, by truncated back-propagation with carried
state, and continues series one symbol at a time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from forecasting.devices import Device, limit_threads, pick_device
from forecasting.errors import InvalidSeries, SettingError
from forecasting.models.cells import Cell, State
from forecasting.models.config import RecurrentConfig
from forecasting.sequences.base import draw_seeds, plain_settings, settings_of
from forecasting.sequences.reading.columns import Task, default_columns
from forecasting.sequences.symbols.alphabet import Alphabet, Symbols, as_series
from forecasting.sequences.symbols.generation import Generator, Sampling, generate
from forecasting.sequences.symbols.streams import (
    SymbolNetwork,
    make_stream,
    make_validation,
    num_lanes,
    split_in_time,
)
from forecasting.training import TrainingConfig
from forecasting.training.members import start_member, train_members
from forecasting.training.recipe.config import Schedule
from forecasting.types import BoolArray, FloatArray, IntArray

CPU = torch.device("cpu")
BLOCK = 4096  # symbols that are scored at once


class SymbolModel(BaseEstimator):  # type: ignore[misc]
    """A recurrent model of the next symbol of series.

    Args:
        cell: ``rnn``, ``lstm``, ``gru`` or ``mlp``.
        hidden_size: size of the state.
        num_layers: recurrent layers on top of each other.
        embedding: numbers that represent a symbol.
        dropout: share of a layer's outputs dropped before the next layer.
        unknown: symbol that stands for all that the training does not have, and for
            those that occur once in it; None to refuse them.
        truncate: steps of back-propagation; the state is carried on.
        epochs: maximum passes over the series.
        steps: optimizer steps instead of epochs.
        batch_size: parts of the series that are read side by side.
        learning_rate: of the optimizer.
        schedule: of the learning rate: ``constant`` or ``one_cycle``.
        weight_decay: of the optimizer.
        clip_norm: bound on the gradient's global norm; None for no bound.
        patience: epochs without a better validation loss before training stops.
        validation: share of each series, its latest part, that selects the weights.
        device: of the training: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        random_state: same seed, same weights (on one CPU).

    Attributes:
        alphabet_: the symbols.
        frequencies_: of each symbol in training, ``(symbols,)``.
        network_: on the CPU, in evaluation mode.
        history_: one record per epoch.

    >>> model = SymbolModel(hidden_size=16, epochs=100, truncate=8, random_state=0)
    >>> "".join(model.fit("hello" * 20).sample(6, seed="he", temperature=0.1))
    'llohel'
    """

    task: ClassVar[Task] = "next"
    columns_ = default_columns("next")  # of the data that the model reads

    def __init__(
        self,
        *,
        cell: Cell = "gru",
        hidden_size: int = 128,
        num_layers: int = 1,
        embedding: int = 32,
        dropout: float = 0.0,
        unknown: Any = None,
        truncate: int = 64,
        epochs: int = 20,
        steps: int | None = None,
        batch_size: int = 32,
        learning_rate: float = 5e-3,
        schedule: Schedule = "one_cycle",
        optimizer: Literal["adam", "adamw"] = "adamw",
        weight_decay: float = 1e-2,
        clip_norm: float | None = 1.0,
        patience: int = 20,
        validation: float = 0.1,
        device: Device = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.embedding = embedding
        self.dropout = dropout
        self.unknown = unknown
        self.truncate = truncate
        self.epochs = epochs
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.patience = patience
        self.validation = validation
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        X: Any,  # noqa: N803
        y: None = None,
        *,
        symbols: Iterable[Any] = (),
    ) -> Self:
        """Train on series of symbols.

        Args:
            X: a text, a series of characters; or a list of texts or of lists of
                symbols.
            y: ignored.
            symbols: further ones of the alphabet, which the series may lack; ignored
                with ``unknown``, which stands for them.

        Raises:
            InvalidSeries: no series, an empty one, or one symbol in all.
            SettingError: a setting is out of range.
            TrainingDiverged: the loss became infinite.
        """
        model, training = self._configs()
        series = as_series(X)
        further = [] if self.unknown is not None else [list(symbols)]
        self.alphabet_ = Alphabet.fit([*series, *further], self.unknown)
        codes = [self.alphabet_.encode(one) for one in series]
        if len(self.alphabet_) < 2 or all(len(one) < 2 for one in codes):
            problem = "there is nothing to predict: one symbol, or none after another"
            raise InvalidSeries("the series", problem, "Give longer series.")
        counts = np.bincount(np.concatenate(codes), minlength=len(self.alphabet_))
        self.frequencies_ = counts / counts.sum()
        earlier, later = split_in_time(codes, training.validation)
        stream = make_stream(earlier, training.batch_size, self.truncate)
        device = pick_device(training.device)
        training = replace(training, batch_size=num_lanes(stream))
        (seed,) = draw_seeds(check_random_state(self.random_state), 1)
        make = partial(self._network, model)
        with torch.device(device):
            member = start_member(seed, device, make)
        with limit_threads(device, model.hidden_size):
            self.history_ = train_members(
                [member],
                stream.to(device),
                make_validation(later).to(device),
                training,
            )
        assert isinstance(member.network, SymbolNetwork)
        self.network_ = member.network.cpu().eval()
        self.network_.carried = None
        return self

    def score(self, X: Any, y: None = None) -> float:  # noqa: N803
        """Return the mean log-probability of the symbols, in nats; 0 at best.

        The first symbol of each series counts not: nothing precedes it. The state is
        carried through the whole series.

        Raises:
            InvalidSeries: no series, an empty one, or one symbol only.
            UnknownSymbols: a symbol that the training did not have.
        """
        check_is_fitted(self)
        series = [self._encode(one, n) for n, one in enumerate(as_series(X))]
        count = sum(len(codes) - 1 for codes in series)
        if not count:
            problem = "no symbol follows another"
            raise InvalidSeries("the series", problem, "Give longer series.")
        with limit_threads(CPU, self.hidden_size):
            total = sum(float(self._score_steps(one)[0].sum()) for one in series)
        return total / count

    def score_steps(self, X: Any) -> list[tuple[FloatArray, BoolArray]]:  # noqa: N803
        """Return figures of each symbol but the first of each series.

        Returns:
            For each series, the log-probability of each symbol in nats, and whether
            it was the most probable one, both ``(steps - 1,)``.

        Raises:
            InvalidSeries: no series, or an empty one.
            UnknownSymbols: a symbol that the training did not have.
        """
        check_is_fitted(self)
        series = [self._encode(one, n) for n, one in enumerate(as_series(X))]
        with limit_threads(CPU, self.hidden_size):
            return [self._score_steps(codes) for codes in series]

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: N803
        """Return the probability of each symbol after each series.

        Returns:
            ``(series, symbols)``, in the order of ``alphabet_.symbols``.
        """
        check_is_fitted(self)
        rows = []
        for number, one in enumerate(as_series(X)):
            logits = Generator(self.network_).read(self._encode(one, number))
            weights = np.exp(logits - logits.max())
            rows.append(weights / weights.sum())
        return np.stack(rows)

    def predict(self, X: Any) -> list[Any]:  # noqa: N803
        """Return the most probable symbol after each series."""
        return self.alphabet_.decode(self.predict_proba(X).argmax(1))

    def sample(
        self,
        length: int = 100,
        *,
        seed: Symbols = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> list[Any]:
        """Generate symbols after a seed, one at a time.

        Args:
            length: number of symbols, at most.
            seed: symbols to begin with; empty: one drawn by its frequency, which is
                then the first of the result.
            temperature, top_k: see `forecasting.sequences.symbols.generation.Sampling`.
            stop: symbol that ends the generation, and is not in the result.
            random_state: of the draws.

        Raises:
            SettingError: length, temperature or top_k is out of range, or ``stop`` is
                no symbol of the training.
            UnknownSymbols: a symbol of the seed that the training did not have.
        """
        symbols = self.stream(
            length,
            seed=seed,
            temperature=temperature,
            top_k=top_k,
            stop=stop,
            random_state=random_state,
        )
        with limit_threads(CPU, self.hidden_size):
            return list(symbols)

    def stream(
        self,
        length: int = 100,
        *,
        seed: Symbols = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Iterator[Any]:
        """Return an iterator over the symbols of `sample`, each drawn when it is read.

        Raises:
            SettingError, UnknownSymbols: as `sample`, before the first symbol.
        """
        check_is_fitted(self)
        sampling = Sampling(length=length, temperature=temperature, top_k=top_k)
        if stop is not None and stop not in self.alphabet_.symbols:
            raise SettingError("stop", stop, "a symbol of the training")
        random = check_random_state(random_state)
        begin = self.alphabet_.encode(seed, "the seed")
        first = np.empty(0, np.int64)
        if not len(begin):
            first = begin = random.choice(len(self.alphabet_), 1, p=self.frequencies_)
            sampling = replace(sampling, length=max(length - 1, 1))
        end = None if stop is None else self.alphabet_.symbols.index(stop)
        following = generate(self.network_, begin, sampling, random, end)
        codes = islice(chain(first.tolist(), following), length)
        return (self.alphabet_.symbols[code] for code in codes)

    def check_settings(self) -> None:
        """Check all settings before a training.

        Raises:
            SettingError: a setting is out of range, or the device is missing.
        """
        _, training = self._configs()
        pick_device(training.device)

    def _configs(self) -> tuple[RecurrentConfig, TrainingConfig]:
        settings = plain_settings(self.get_params())
        for name, limit in (("embedding", 8192), ("truncate", 10_000)):
            value = settings[name]
            if not isinstance(value, int) or not 1 <= value <= limit:
                raise SettingError(name, value, f"a whole number from 1 to {limit}")
        settings |= {"linear_skip": False, "normalization": "none", "engine": "torch"}
        return (
            RecurrentConfig(**settings_of(RecurrentConfig, settings)),
            TrainingConfig(**settings_of(TrainingConfig, settings)),
        )

    def _network(self, model: RecurrentConfig) -> SymbolNetwork:
        return SymbolNetwork(
            model,
            classes=len(self.alphabet_),
            seq_len=self.truncate,
            at="step",
            symbols=len(self.alphabet_),
            embedding=self.embedding,
        )

    def _encode(self, one: Symbols, number: int) -> IntArray:
        return self.alphabet_.encode(one, f"series {number}")

    @torch.inference_mode()
    def _score_steps(self, codes: IntArray) -> tuple[FloatArray, BoolArray]:
        """Return log-probability and rank of all symbols but the first."""
        scores, state = [np.empty(0)], list[State]()
        right = [np.empty(0, bool)]
        for begin in range(0, len(codes) - 1, BLOCK):
            piece = torch.from_numpy(codes[begin : begin + BLOCK + 1])
            logits, state = self.network_.logits(piece[None, :-1], state=state or None)
            rows = logits[0].double().log_softmax(1)
            scores.append(rows.gather(1, piece[1:, None])[:, 0].numpy())
            right.append((rows.argmax(1) == piece[1:]).numpy())
        every = np.concatenate(scores)
        assert np.isfinite(every).all()
        return every, np.concatenate(right)
