"""Search space of a hyper-parameter search: settings and their candidate values.

Only settings that the job leaves open are searched. The job's value is always among the
choices, so that the first trial can be the unchanged job.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import optuna

from forecasting.data.panel import Panel
from forecasting.scaling.methods import auto_methods
from pipelines.config.job import Job

Choice = str | int | float | bool | None  # types that Optuna stores
LAYERS, DROPOUT = "model.num_layers", "model.dropout"
LEARNING_RATE = "training.learning_rate"
SEASON_COUNTS = (1, 2, 3, 4, 6)  # candidate lengths of a window, in seasons
MIN_SEASON_LENGTH = 4  # steps, for a frequency without a season
MIN_WINDOWS_PER_SERIES = 3  # a window takes at most a third of the shortest series


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Settings of a search by dotted path, with their candidate values.

    Attributes:
        choices: values to choose from, including the job's.
        rates: smallest and largest learning rate, drawn log-uniformly; None if the job
            fixes it.
        start: the job's values.
    """

    choices: Mapping[str, tuple[Choice, ...]]
    rates: tuple[float, float] | None
    start: Mapping[str, Choice]

    @property
    def names(self) -> tuple[str, ...]:
        """Dotted paths of the searched settings."""
        return (*self.choices, *([LEARNING_RATE] if self.rates else []))

    def suggest(self, trial: optuna.Trial) -> dict[str, Choice]:
        """Draw a trial's settings; dropout only for two layers or more."""
        suggested: dict[str, Choice] = {}
        for name, choices in self.choices.items():
            if name == DROPOUT and suggested.get(LAYERS, self.start[LAYERS]) == 1:
                continue
            suggested[name] = trial.suggest_categorical(name, choices)
        if self.rates is not None:
            rate = trial.suggest_float(LEARNING_RATE, *self.rates, log=True)
            suggested[LEARNING_RATE] = rate
        return suggested


def make_search_space(
    job: Job, panel: Panel, *, season_length: int, longest: int
) -> SearchSpace:
    """Return the search space of a job: larger networks and batches for more windows.

    Args:
        job: its explicit settings are not searched.
        panel: the series; only normalizations that accept all of them are tried.
        season_length: in steps.
        longest: observations that every series has before the first fold.
    """
    windows = len(panel.values)
    small, large = windows < 2_000, windows >= 50_000
    season = (
        season_length
        if season_length > 1
        else max(job.windows.horizon, MIN_SEASON_LENGTH)
    )
    lengths = [
        k * season
        for k in SEASON_COUNTS
        if k * season <= longest // MIN_WINDOWS_PER_SERIES
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
        "model.normalization": ("auto", *auto_methods(panel), "window"),
        "training.batch_size": batches,
    }
    start = {name: _value(job, name) for name in (*wide, LEARNING_RATE)}
    choices = {
        name: tuple(dict.fromkeys((start[name], *values)))
        for name, values in wide.items()
        if name not in job.explicit
    }
    rate = job.training.learning_rate
    rates = (
        None if LEARNING_RATE in job.explicit else (min(1e-4, rate), max(1e-2, rate))
    )
    return SearchSpace(choices, rates, start)


def _value(job: Job, name: str) -> Choice:
    section, key = name.split(".")
    value: Choice = getattr(getattr(job, section), key)
    return value
