"""Resolves a job's preset into the settings that the user left open."""

from forecasting.data.panel import Panel
from forecasting.forecaster.presets import choose_settings
from pipelines.config.job import Job

MIN_OBSERVATIONS = 2  # of a series, before its first test


def fill_preset(job: Job, panel: Panel) -> tuple[Job, tuple[str, ...]]:
    """Return the job with its preset's settings, and the reasons for the choices.

    Args:
        job: its explicit settings are not changed.
        panel: observations to choose by; none from the test folds.
    """
    explicit = {path: job.get(path) for path in job.explicit if path.count(".") == 1}
    chosen = choose_settings(
        job.preset,
        panel,
        horizon=job.windows.horizon,
        season_length=job.evaluation.season_length,
        given=explicit,
    )
    reasons = tuple(f"preset {job.preset}: {reason}" for reason in chosen.reasons)
    return job.replace(chosen.settings), reasons


def min_history(job: Job) -> int:
    """Return the minimum number of observations before a fold.

    The accurate preset has not chosen its window yet, and may pad it.
    """
    return MIN_OBSERVATIONS if job.preset == "accurate" else job.windows.seq_len
