"""Training settings and their validation."""

from dataclasses import dataclass
from typing import Literal, get_args

from forecasting.devices import DEVICES, PRECISIONS, Device, Precision
from forecasting.errors import SettingError
from forecasting.training.recipe.losses import LOSSES, LossName

Optimizer = Literal["adam", "adamw"]
Schedule = Literal["constant", "one_cycle"]
Engine = Literal["auto", "torch", "fused"]
Start = Literal["random", "pretrained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Settings of a training: optimizer, loss, schedule, validation and engine.

    Attributes:
        start: the first weights: ``random``, or ``pretrained``: those of the package's
            network for the season, with its windows and layers.
        epochs: maximum passes over all windows.
        steps: optimizer steps instead of epochs, on windows drawn at random; a tenth
            of them counts as an epoch, without early stopping.
        balance: with steps, the probability of a series is proportional to its number
            of windows to the power of 1 - balance: 0 makes all windows equally
            likely, 1 all series.
        relative: with steps, the share of the loss that counts errors relative to the
            level of their series instead of its scale (``ets`` and ``log_ets``).
        schedule: of the learning rate: ``constant``, or ``one_cycle`` up to it and
            down again (Smith and Topin 2019).
        refit: train again on all data, for the best number of epochs in validation.
        batch_size: windows per optimizer step.
        learning_rate: of the optimizer.
        optimizer: ``adam`` or ``adamw``.
        weight_decay: of the optimizer.
        loss: ``mae``, ``mse``, ``huber`` or ``quantile``, on normalised values.
        huber_delta: where the Huber loss turns linear.
        quantile: probability of the quantile loss.
        clip_norm: bound on the gradient's global norm; None for no bound.
        patience: epochs without a better validation loss before training stops.
        validation: share of each series, its latest part, that training does not see
            and that selects the best weights; 0 for none.
        teacher_forcing: probability that a recursive or seq2seq network is fed the
            actual value instead of its forecast during training.
        truncate: maximum observations of back-propagation through time; None for all.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``float32`` or ``bfloat16``.
        engine: ``torch``, or ``fused``: compiled loops for small networks on the CPU,
            with the same numbers. ``auto`` selects the faster one.
        seed: of all random numbers; same seed, same weights (on one CPU).

    Raises:
        SettingError: a value is out of range.
    """

    start: Start = "random"
    epochs: int = 100
    steps: int | None = None
    balance: float = 0.0
    relative: float = 0.0
    schedule: Schedule = "constant"
    refit: bool = False
    batch_size: int = 256
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adam"
    weight_decay: float = 0.0
    loss: LossName = "mae"
    huber_delta: float = 1.0
    quantile: float = 0.5
    clip_norm: float | None = 1.0
    patience: int = 10
    validation: float = 0.15
    teacher_forcing: float = 0.5
    truncate: int | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    engine: Engine = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES:
            if getattr(self, name) not in choices:
                expected = f"one of {', '.join(choices)}"
                raise SettingError(name, getattr(self, name), expected)
        for name, low, high in _RANGES:
            value = getattr(self, name)
            is_valid_type = isinstance(value, int) or name not in _INTEGERS
            if value is not None and not (is_valid_type and low <= value <= high):
                kind = "a whole number " if name in _INTEGERS else ""
                raise SettingError(name, value, f"{kind}from {low:g} to {high:g}")


_CHOICES = (
    ("start", get_args(Start)),
    ("optimizer", get_args(Optimizer)),
    ("schedule", get_args(Schedule)),
    ("loss", LOSSES),
    ("device", DEVICES),
    ("precision", PRECISIONS),
    ("engine", get_args(Engine)),
)
_INTEGERS = ("epochs", "steps", "batch_size", "patience", "truncate", "seed")
_RANGES = (
    ("epochs", 0, 100_000),
    ("steps", 0, 10_000_000),
    ("balance", 0, 1),
    ("relative", 0, 1),
    ("batch_size", 1, 1_000_000),
    ("learning_rate", 1e-9, 10),
    ("weight_decay", 0, 10),
    ("huber_delta", 1e-9, 1e9),
    ("quantile", 0.001, 0.999),
    ("clip_norm", 1e-9, 1e9),
    ("patience", 1, 100_000),
    ("validation", 0, 0.9),
    ("teacher_forcing", 0, 1),
    ("truncate", 1, 10_000),
    ("seed", 0, 2**32 - 1),
)
