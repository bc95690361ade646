"""Windows of a job for a CSV file: lookback and horizon by the frequency."""

from forecasting.data.panel import Panel
from forecasting.selection.windows import choose_windows
from pipelines.config.job import Job


def fill_windows(job: Job, panel: Panel) -> tuple[Job, tuple[str, ...]]:
    """Return the job with the lengths that the user left open, and a note on them.

    Args:
        job: for a CSV file; a job file leaves no length open.
        panel: its series; their values play no part.
    """
    names = [n for n in ("seq_len", "horizon") if f"windows.{n}" in job.open_windows]
    if job.preset in ("accurate", "zero_shot"):  # they choose the lookback
        names = [name for name in names if name != "seq_len"]
    if not names:
        return job, ()
    chosen = choose_windows(
        panel,
        season_length=job.evaluation.seasons(panel),
        seq_len=None if "seq_len" in names else job.windows.seq_len,
        horizon=None if "horizon" in names else job.windows.horizon,
        folds=job.evaluation.folds,
    )
    filled = job.replace({f"windows.{name}": getattr(chosen, name) for name in names})
    return filled.close_windows(), (chosen.describe(names),)
