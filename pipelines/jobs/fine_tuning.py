"""Fine-tuning as a job: a registered model to start from, on new data."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.splits import Origins
from forecasting.errors import DataError
from forecasting.forecaster.fine_tuning import training_ends_of
from forecasting.forecaster.forecaster import Forecaster
from forecasting.timestamps.calendar import format_timestamp
from pipelines.config.job import Job
from pipelines.tracking.models import open_model

LINEAGE = "fine_tuned_from"  # tag of the run and of the version


@dataclass(frozen=True, slots=True)
class StartModel:
    """A trained model that another training starts from.

    Attributes:
        forecaster: the model.
        reference: ``name/version``, or its folder.
    """

    forecaster: Forecaster
    reference: str

    def complete(self, job: Job) -> Job:
        """Return the job, with this model's windows and layers where it names none.

        Raises:
            SettingError: the job names another value; both are named.
        """
        start = self.forecaster.as_start()
        theirs = {
            "windows.seq_len": start.windows.seq_len,
            "windows.horizon": start.windows.horizon,
            **{f"model.{name}": value for name, value in asdict(start.model).items()},
            "model.normalization": start.fitted.normalizer.method,
        }
        left = {name: v for name, v in theirs.items() if name not in job.given}
        completed = job.replace(left)
        start.check(completed.windows, completed.model)
        return completed

    def keep_unseen(
        self, panel: Panel, folds: list[Origins]
    ) -> tuple[list[Origins], tuple[str, ...]]:
        """Return the folds behind all that this model was trained on, and a note.

        Raises:
            DataError: there is none; a backtest would show it what it has seen.
        """
        context = self.forecaster.as_start().fitted.context
        seen = training_ends_of(panel, context)
        kept = [fold for fold in folds if (fold.ends >= seen[fold.series]).all()]
        if not kept:
            follow = np.where(seen < 0, panel.lengths, panel.lengths - seen)
            least = int(follow.argmin())
            last = panel.offsets[least] + seen[least] - 1
            until = format_timestamp(panel.timestamps[last])
            raise DataError(
                f"there is nothing to test on: {self.reference} was trained until "
                f"{until} of series {panel.series_ids[least]!r}, and {follow[least]} "
                "observations follow. Give at least one horizon of later ones, or "
                "start from an earlier version."
            )
        if len(kept) == len(folds):
            return folds, ()
        said = (
            f"tested on {len(kept)} of {len(folds)} folds: {self.reference} was "
            "trained on the others"
        )
        return kept, (said,)


def load_start(reference: str) -> StartModel:
    """Load the model to start from, see `pipelines.tracking.models.open_model`."""
    forecaster, version = open_model(reference)
    if version is None:
        return StartModel(forecaster, str(Path(reference).resolve()))
    return StartModel(forecaster, f"{version.name}/{version.version}")
