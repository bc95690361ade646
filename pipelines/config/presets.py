"""A job's preset, filled in: settings that the user left open, and why they are so."""

from forecasting.data.panel import Panel
from forecasting.forecaster.presets import choose_settings
from pipelines.config.job import Job

SHORTEST = 2  # observations that a series must have before it is tested


def fill_preset(job: Job, panel: Panel) -> tuple[Job, tuple[str, ...]]:
    """Return the job with its preset's settings, and the reasons for the choices.

    Args:
        job: what it was given stays.
        panel: what the choices may look at: nothing that the job is tested on.
    """
    given = {path: job.get(path) for path in job.given if path.count(".") == 1}
    chosen = choose_settings(
        job.preset,
        panel,
        horizon=job.windows.horizon,
        season_length=job.evaluation.season_length,
        given=given,
    )
    reasons = tuple(f"preset {job.preset}: {reason}" for reason in chosen.reasons)
    return job.replace(chosen.settings), reasons


def history_needed(job: Job) -> int:
    """Return how many observations a fold must leave before it.

    The window of the accurate preset is not known yet, and may be padded.
    """
    return SHORTEST if job.preset == "accurate" else job.windows.seq_len
