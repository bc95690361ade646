"""Resolves a job's preset into the settings that the user left open."""

from typing import Any

from forecasting.data.panel import Panel
from forecasting.forecaster.presets import choose_settings
from pipelines.config.job import Job

MIN_OBSERVATIONS = 2  # of a series, before its first test


def choose_preset(job: Job, panel: Panel) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the settings of the job's preset, and the reasons for the choices.

    Raises:
        SettingError: the preset does not fit the series, or other settings of the job.

    Args:
        job: its explicit settings are not changed.
        panel: observations to choose by; none from the test folds.
    """
    if job.preset == "zero_shot":
        job.check_for_each("the preset zero_shot")
    explicit = {path: job.get(path) for path in job.explicit if path.count(".") == 1}
    chosen = choose_settings(
        job.preset,
        panel,
        horizon=job.windows.horizon,
        season_length=job.evaluation.season_length,
        given=explicit,
    )
    reasons = tuple(f"preset {job.preset}: {reason}" for reason in chosen.reasons)
    return chosen.settings, reasons


def min_history(job: Job) -> int:
    """Return the minimum number of observations before a fold.

    The presets accurate and zero_shot have not chosen their window yet, and may pad it.
    """
    is_open = job.preset in ("accurate", "zero_shot")
    return MIN_OBSERVATIONS if is_open else job.windows.seq_len
