"""What a search may change in a job, and between which values.

Only settings that the job leaves open are searched. The job's own value is always
among the choices, so that the first trial can be the job as it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import optuna

from forecasting.data.panel import Panel
from forecasting.scaling.normalization import candidates
from pipelines.config.job import Job

Choice = str | int | float | bool | None  # what Optuna can keep


LAYERS, DROPOUT, RATE = "model.num_layers", "model.dropout", "training.learning_rate"


SEASONS = (1, 2, 3, 4, 6)  # how many of them a window may hold


LEAST_SEASON = 4  # steps, where the frequency knows no season


WINDOWS_LONG = 3  # a window takes at most a third of the shortest series


@dataclass(frozen=True, slots=True)
class Space:
    """The settings that are searched, by dotted path.

    Attributes:
        choices: values to choose from, the job's own one among them.
        rates: least and largest learning rate, drawn from the logarithm; None where
            the job fixes it.
        start: the job's own values.
    """

    choices: Mapping[str, tuple[Choice, ...]]
    rates: tuple[float, float] | None
    start: Mapping[str, Choice]

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that are searched."""
        return (*self.choices, *([RATE] if self.rates else []))

    def suggest(self, trial: optuna.Trial) -> dict[str, Choice]:
        """Let a trial choose; dropout only where there are layers to drop between."""
        found: dict[str, Choice] = {}
        for name, choices in self.choices.items():
            if name == DROPOUT and found.get(LAYERS, self.start[LAYERS]) == 1:
                continue
            found[name] = trial.suggest_categorical(name, choices)
        if self.rates is not None:
            found[RATE] = trial.suggest_float(RATE, *self.rates, log=True)
        return found


def make_space(job: Job, panel: Panel, *, season_length: int, longest: int) -> Space:
    """Return the space of a job: larger networks and batches for more windows.

    Args:
        job: what it fixes stays as it is.
        panel: the series; only methods that can take all of them are tried.
        season_length: in steps.
        longest: observations that every series has before the first fold.
    """
    windows = len(panel.values)
    small, large = windows < 2_000, windows >= 50_000
    season = (
        season_length if season_length > 1 else max(job.windows.horizon, LEAST_SEASON)
    )
    lengths = [
        k * season
        for k in SEASONS
        if k * season <= longest // WINDOWS_LONG
        and k * season % job.model.patch_len == 0
    ]
    sizes = (8, 16, 32) if small else (32, 64, 128) if large else (16, 32, 64)
    batches = (32, 128) if small else (256, 1024) if large else (64, 256)
    wide: dict[str, tuple[Choice, ...]] = {
        "windows.seq_len": tuple(lengths),
        "model.cell": ("rnn", "lstm", "gru"),
        "model.hidden_size": sizes,
        LAYERS: (1, 2),
        DROPOUT: (0.0, 0.1, 0.3),
        "model.normalization": ("auto", *candidates(panel), "window"),
        "training.batch_size": batches,
    }
    start = {name: _value(job, name) for name in (*wide, RATE)}
    choices = {
        name: tuple(dict.fromkeys((start[name], *values)))
        for name, values in wide.items()
        if name not in job.given
    }
    rate = job.training.learning_rate
    rates = None if RATE in job.given else (min(1e-4, rate), max(1e-2, rate))
    return Space(choices, rates, start)


def _value(job: Job, name: str) -> Choice:
    section, key = name.split(".")
    value: Choice = getattr(getattr(job, section), key)
    return value
