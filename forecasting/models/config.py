"""Settings of a recurrent forecaster, with their checks."""

from dataclasses import dataclass
from typing import Literal, get_args

from forecasting.errors import SettingError
from forecasting.intervals.calibration import INTERVAL_METHODS, IntervalMethod
from forecasting.models.cells import CELLS, MERGES, Cell, Merge
from forecasting.scaling.methods import METHODS, Method

Strategy = Literal["direct", "recursive", "seq2seq"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
LossAt = Literal["end", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrentConfig:
    """Settings of a recurrent forecaster.

    Attributes:
        cell: ``rnn``, ``lstm``, ``gru``, or ``mlp`` (a feed-forward transition).
        nonlinearity: of the ``rnn``: ``tanh`` or ``relu``.
        hidden_size: size of each direction's state.
        num_layers: recurrent layers on top of each other.
        bidirectional: read the window in both directions.
        merge: operation that joins two directions: ``concat``, ``sum`` or ``mul``.
        dropout: share of a layer's outputs dropped before the next layer.
        strategy: of multi-step forecasts: ``direct``, ``recursive`` or ``seq2seq``.
        loss_at: ``end`` of the window, or every ``step`` of it.
        patch_len: observations that one recurrent step reads; it divides seq_len.
        linear_skip: add the network to a ridge regression on the same window.
        train_skip: train the weights of that regression further, with the network.
        normalization: see `forecasting.scaling.normalization`; ``auto``: chosen by
            validation.
        season_length: steps of the season that ``ets`` and ``log_ets`` take out; 1 for
            none.
        calendar_features: known covariates from the timestamps: the position in the
            day, week and year, depending on the frequency.
        guard: use a simple forecast instead of the network where validation does not
            favour the network, see `forecasting.selection.guard`.
        members: networks trained from different seeds; the forecast is their median.
        intervals: calibration on errors, ``adaptive`` or ``split``, see
            `forecasting.intervals.calibration`.
        quantiles: probabilities between 0 and 1 of quantiles to forecast besides the
            median; they replace the loss. Empty: the median only.

    Raises:
        SettingError: a value is out of range, or two are incompatible.
    """

    cell: Cell = "lstm"
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    hidden_size: int = 32
    num_layers: int = 1
    bidirectional: bool = False
    merge: Merge = "concat"
    dropout: float = 0.0
    strategy: Strategy = "direct"
    loss_at: LossAt = "end"
    patch_len: int = 1
    linear_skip: bool = True
    train_skip: bool = False
    normalization: Method | Literal["auto"] = "auto"
    season_length: int = 1
    guard: bool = False
    calendar_features: bool = False
    members: int = 1
    intervals: IntervalMethod = "adaptive"
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check_choice("cell", self.cell, CELLS)
        _check_choice("nonlinearity", self.nonlinearity, ("tanh", "relu"))
        _check_choice("merge", self.merge, MERGES)
        _check_choice("strategy", self.strategy, STRATEGIES)
        _check_choice("loss_at", self.loss_at, get_args(LossAt))
        _check_choice("normalization", self.normalization, (*METHODS, "auto"))
        _check_choice("intervals", self.intervals, INTERVAL_METHODS)
        for name, maximum in _LIMITS:
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= maximum:
                raise SettingError(name, value, f"a whole number from 1 to {maximum}")
        if not 0 <= self.dropout < 1:
            raise SettingError("dropout", self.dropout, "a share from 0 to below 1")
        if self.loss_at == "step":
            self._check_step_loss()
        if self.patch_len > 1 and (self.loss_at == "step" or self.strategy != "direct"):
            raise SettingError(
                "patch_len", self.patch_len, "1 unless strategy is direct, loss_at end"
            )
        if self.strategy == "recursive" and self.normalization in ("ets", "log_ets"):
            raise SettingError(
                "strategy", "recursive", f"direct with {self.normalization}"
            )
        if self.quantiles:
            self._check_quantiles()
        object.__setattr__(self, "quantiles", self._ordered_quantiles())

    @property
    def label(self) -> str:
        """Name in a leaderboard: the cell, or the guarded cell."""
        return f"guarded {self.cell}" if self.guard else self.cell

    def _ordered_quantiles(self) -> tuple[float, ...]:
        return tuple(sorted({0.5, *self.quantiles})) if self.quantiles else ()

    def _check_quantiles(self) -> None:
        usable = all(0.001 <= probability <= 0.999 for probability in self.quantiles)
        if not usable or set(self.quantiles) == {0.5}:
            expected = "probabilities from 0.001 to 0.999, at least one beside 0.5"
            raise SettingError("quantiles", self.quantiles, expected)
        if self.loss_at == "step":
            raise SettingError(
                "loss_at", "step", "'end' with quantiles, which the last state gives"
            )

    def _check_step_loss(self) -> None:
        for name, clash in (
            ("linear_skip", self.linear_skip),
            ("bidirectional", self.bidirectional),
        ):
            if clash:
                raise SettingError(
                    name, True, "false with loss_at 'step', which forecasts mid-window"
                )
        if self.strategy == "seq2seq":
            raise SettingError(
                "loss_at",
                "step",
                "'end' with strategy 'seq2seq', which decodes every step",
            )


_LIMITS = (
    ("hidden_size", 8192),
    ("num_layers", 32),
    ("members", 100),
    ("patch_len", 10_000),
    ("season_length", 10_000),
)


def _check_choice(setting: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingError(setting, value, f"one of {', '.join(choices)}")
