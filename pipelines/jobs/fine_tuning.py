"""Fine-tuning: a registered model as the starting point of a training job."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.data.splits import Origins
from forecasting.errors import DataError, SettingError
from forecasting.forecaster.fine_tuning import check_start, trained_lengths
from forecasting.forecaster.forecaster import Forecaster
from forecasting.forecaster.trained_model import GlobalModel
from forecasting.io import read_latest
from forecasting.timestamps.calendar import format_timestamp
from pipelines.config.job import DataConfig, Job
from pipelines.jobs.experiment import make_forecaster
from pipelines.tracking.models import open_model

LINEAGE_TAG = "fine_tuned_from"  # tag of the run and of the version


@dataclass(frozen=True, slots=True)
class PretrainedModel:
    """A trained model to fine-tune.

    Attributes:
        forecaster: the model.
        reference: ``name/version``, or the path of its folder.
    """

    forecaster: Forecaster
    reference: str

    @property
    def trained(self) -> GlobalModel:
        """Networks and statistics.

        Raises:
            SettingError: it holds a model a series.
        """
        trained = self.forecaster.trained
        if isinstance(trained, GlobalModel):
            return trained
        expected = "one model of all series; this version holds a model a series"
        raise SettingError("from", self.reference, expected)

    def complete(self, job: Job) -> Job:
        """Return the job with this model's windows and layers in place of defaults.

        Raises:
            SettingError: an explicit setting of the job differs from this model's.
        """
        start = self.trained
        settings = {
            "windows.seq_len": start.config.windows.seq_len,
            "windows.horizon": start.config.windows.horizon,
            **{f"model.{n}": value for n, value in asdict(start.config.model).items()},
            "model.normalization": start.method,
        }
        inherited = {n: v for n, v in settings.items() if n not in job.explicit}
        completed = job.replace(inherited)
        schema, names = self._schema(job), {field.name for field in fields(Schema)}
        columns = {n: getattr(schema, n) for n in names & {*DataConfig.model_fields}}
        update = {"data": job.data.model_copy(update=columns)}
        completed = completed.model_copy(update=update)
        check_start(start, make_forecaster(completed).config)
        return completed

    def read(self, job: Job) -> Panel:
        """Read the series of a job by the schema of this model.

        Columns that the job names explicitly replace those of the schema.

        Raises:
            DataError: the series cannot be used.
        """
        context = self.forecaster.trained.context
        return read_latest(job.data.path, context, schema=self._schema(job))

    def _schema(self, job: Job) -> Schema:
        """Return the schema of this model with the explicit settings of a job."""
        names = {field.name for field in fields(Schema)}
        explicit = {
            key: value
            for key, value in dict(job.data).items()
            if key in names and f"data.{key}" in job.explicit
        }
        return self.forecaster.trained.context.schema.override(explicit)

    def select_unseen_folds(
        self, panel: Panel, folds: list[Origins]
    ) -> tuple[list[Origins], tuple[str, ...]]:
        """Return the folds later than this model's training data, and a note.

        Raises:
            DataError: there is none; a backtest would test the model on its training
                data.
        """
        context = self.forecaster.trained.context
        training_ends = trained_lengths(panel, context)
        unseen = [
            fold for fold in folds if (fold.ends >= training_ends[fold.series]).all()
        ]
        if not unseen:
            later = np.where(
                training_ends < 0, panel.lengths, panel.lengths - training_ends
            )
            row = int(later.argmin())
            last = panel.offsets[row] + training_ends[row] - 1
            until = format_timestamp(panel.timestamps[last], panel.calendar.zone)
            raise DataError(
                f"there is nothing to test on: {self.reference} was trained until "
                f"{until} of series {panel.series_ids[row]!r}, and {later[row]} "
                "observations follow. Give at least one horizon of later ones, or "
                "start from an earlier version."
            )
        if len(unseen) == len(folds):
            return folds, ()
        note = (
            f"tested on {len(unseen)} of {len(folds)} folds: {self.reference} was "
            "trained on the others"
        )
        return unseen, (note,)


def load_pretrained(reference: str) -> PretrainedModel:
    """Load the model to fine-tune, see `pipelines.tracking.models.open_model`."""
    forecaster, version = open_model(reference)
    if version is None:
        return PretrainedModel(forecaster, str(Path(reference).resolve()))
    return PretrainedModel(forecaster, f"{version.name}/{version.version}")
