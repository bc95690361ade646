"""Description in Markdown of a model of discrete series, for MLflow's UI."""

import math
from dataclasses import dataclass

import pandas as pd

from pipelines.jobs.sequences.experiment import SequenceExperiment
from pipelines.tracking.descriptions import MAX_CHARACTERS, MAX_ROWS, as_code
from pipelines.tracking.registry import MARK

PURPOSES = {
    "classify": "Gives each series one of the labels",
    "label": "Gives each step of a series one of the labels",
    "next": "Gives the next symbol of a series, and generates symbols",
}
MAX_CLASSES = 8  # in a sentence


@dataclass(frozen=True, slots=True)
class SequenceCard:
    """Facts on a trained model that its description names.

    Attributes:
        experiment: series and settings.
        scores: the leaderboard, best first.
        label: row of the model in the leaderboard.
        classes: labels or symbols of the model.
    """

    experiment: SequenceExperiment
    scores: pd.DataFrame
    label: str
    classes: tuple[str, ...]

    def to_markdown(self, version: str, verdict: str) -> str:
        """Return the description of a run or version.

        Args:
            version: number of the registered version.
            verdict: decision of the promotion gate.
        """
        job = self.experiment.job
        parts = (
            f"**{as_code(job.name)} version {version}** - {verdict}",
            f"{self.describe_task()}.",
            f"**Test part:** {self.experiment.split.description}",
            self._leaderboard(),
            f"**Data:** {self.describe_data()}",
            f"**Settings:** {self.label} of {job.model['hidden_size']} units; "
            "`job.yaml` among the artifacts of the run has every setting",
            self._usage(f"/{version}"),
        )
        return "\n\n".join(parts)[:MAX_CHARACTERS]

    def to_registered(self) -> str:
        """Return the description of the registered model."""
        alias = self.experiment.job.registry.alias
        text = f"{self.describe_task()}: {self.describe_data()}."
        return "\n\n".join((MARK, text, self._usage(f"@{alias}")))

    def describe_task(self) -> str:
        """Describe the task, with the labels."""
        task, count = self.experiment.job.task, len(self.classes)
        if task == "next":
            return f"{PURPOSES[task]}; it knows {count} symbols"
        shown = ", ".join(map(as_code, self.classes[:MAX_CLASSES]))
        rest = f" ... ({count} in all)" if count > MAX_CLASSES else ""
        return f"{PURPOSES[task]} {shown}{rest}"

    def describe_data(self) -> str:
        """Describe the series: file, number, steps and columns."""
        experiment = self.experiment
        count, columns = len(experiment.data), experiment.columns
        series = "1 series" if count == 1 else f"{count:,} series"
        roles = columns.channels or (columns.symbol,)
        names = ", ".join(map(as_code, roles[:MAX_CLASSES]))
        names = "characters" if columns.is_text else names
        noun = "symbols" if columns.symbol else "steps"
        source = as_code(experiment.job.data.path.name)
        return f"{names} of {source}: {series}, {experiment.rows:,} {noun}"

    def _leaderboard(self) -> str:
        metrics = [str(name) for name in self.scores]
        metrics.sort(key=lambda name: name != self.experiment.job.metric)
        heads = [name.replace("_", " ") for name in ("model", *metrics)]
        lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for model, row in self.scores.head(MAX_ROWS).iterrows():
            name = str(model).replace("_", " ")
            name = f"**{name}**" if model == self.label else name
            cells = ["" if math.isnan(row[m]) else f"{row[m]:.4g}" for m in metrics]
            lines.append(f"| {' | '.join((name, *cells))} |")
        return "\n".join(lines)

    def _usage(self, place: str) -> str:
        """Return commands that use a version, ``/3`` or ``@alias``."""
        name, task = self.experiment.job.name, self.experiment.job.task
        lines = [f"    recast predict '{name}{place}' --data FILE"]
        if task == "next":
            lines.append(f"    recast generate '{name}{place}' --length 200")
        lines.append(
            f"    recast serve     # POST /v1/models/{name}/{task} answers with "
            "the champion"
        )
        return "\n".join(["**Use it:**", "", *lines])
