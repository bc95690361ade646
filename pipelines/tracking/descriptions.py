"""Descriptions in Markdown of runs, versions and models, for MLflow's UI."""

import math
import re
from dataclasses import dataclass

import pandas as pd

from forecasting.data.panel import Panel
from forecasting.forecaster.trained_model import ForecasterConfig
from forecasting.report.sentences import (
    describe_covariates,
    describe_error,
    describe_test,
)
from forecasting.timestamps.zones import format_moments
from forecasting.track_record.record import TrackRecord
from pipelines.tracking.registry import MARK

MAX_ROWS = 10  # models in a table
MAX_CHARACTERS = 4500  # MLflow stores 5,000 of a version


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Facts on a trained model that its description names.

    Attributes:
        name: of the registered model.
        record: history and backtest of the model.
        answers: methods that forecast its series, in words.
        scores: the leaderboard, best first.
        label: row of the model in the leaderboard.
        metric: that of the ranking.
        evidence: size of the backtest and interval of the skill, in words.
        panel: series of the training.
        source: name of the file of the series.
        settings: windows, layers and training.
        normalization: chosen normalization.
    """

    name: str
    record: TrackRecord
    answers: str
    scores: pd.DataFrame
    label: str
    metric: str
    evidence: str
    panel: Panel
    source: str
    settings: ForecasterConfig
    normalization: str

    def to_markdown(self, version: str, verdict: str) -> str:
        """Return the description of a run or version.

        Args:
            version: number of the registered version.
            verdict: decision of the promotion gate.
        """
        parts = (
            f"**{as_code(self.name)} version {version}** - {verdict}",
            self._headline(),
            f"**Answers:** {self.answers}",
            f"**Backtest:** {self.evidence}",
            self._leaderboard(),
            f"**Data:** {self.describe_data()}",
            f"**Settings:** {self._settings()}",
            _usage(self.name, version),
        )
        return "\n\n".join(parts)[:MAX_CHARACTERS]

    def _headline(self) -> str:
        """Return the sentences at the head of the report."""
        record, freq = self.record, self.panel.calendar.freq
        tested = len(record.tested)
        sentences = (
            describe_error(record.evaluation, freq),
            describe_test(record.evaluation, freq, tested),
            describe_covariates(record.history),
        )
        return _plain(" ".join(text for text in sentences if text))

    def describe_data(self) -> str:
        """Describe the series: file, target, number, frequency and end."""
        panel = self.panel
        [until] = format_moments(
            panel.timestamps[[int(panel.timestamps.argmax())]], panel.calendar.zone
        )
        freq = panel.calendar.freq
        series = "1 series" if len(panel) == 1 else f"{len(panel):,} series"
        pace = "numbered steps" if freq is None else f"frequency {as_code(freq)}"
        return (
            f"{as_code(panel.target)} of {as_code(self.source)}: {series}, "
            f"{len(panel.values):,} observations, {pace}, until "
            f"{until.removesuffix('T00:00:00')}"
        )

    def _settings(self) -> str:
        model, windows = self.settings.model, self.settings.windows
        return (
            f"{model.cell} of {model.hidden_size} units, {windows.seq_len} "
            f"observations in, {windows.horizon} steps out, normalization "
            f"{self.normalization}; "
            "`job.yaml` among the artifacts of the run has every setting"
        )

    def _leaderboard(self) -> str:
        lines = [
            f"| model | {self.metric} | skill | 95 % interval |",
            "|---|---|---|---|",
        ]
        for model, row in self.scores.head(MAX_ROWS).iterrows():
            name = str(model).replace("_", " ")
            name = f"**{name}**" if model == self.label else name
            skill, lower, upper = (
                "" if math.isnan(row[column]) else f"{row[column]:+.1%}"
                for column in ("skill", "skill_lower", "skill_upper")
            )
            interval = f"{lower} to {upper}" if lower else ""
            lines.append(f"| {name} | {row[self.metric]:.4g} | {skill} | {interval} |")
        return "\n".join(lines)


def describe_registered(card: ModelCard, alias: str) -> str:
    """Return the description of a registered model: series, horizon and usage."""
    horizon = card.settings.windows.horizon
    parts = (
        MARK,
        f"Forecasts {horizon} steps of {card.describe_data()}.",
        _usage(card.name, f"@{alias}"),
    )
    return "\n\n".join(parts)


def _usage(name: str, version: str) -> str:
    """Return commands that forecast with a version, a number or ``@alias``."""
    place = version if version.startswith("@") else f"/{version}"
    return f"""**Use it:**

    recast forecast '{name}{place}'
    recast serve     # POST /v1/models/{name}/forecast answers with the champion
    mlflow models serve -m 'models:/{name}{place}' --env-manager local
"""


def _plain(text: str) -> str:
    """Return text with names of a user without characters of Markdown or HTML."""
    return re.sub(r"[`|<>*_\[\]\s]+", " ", text)


def as_code(text: str) -> str:
    """Return text of a user as code, without characters that would end it."""
    plain = re.sub(r"[`|<>\s]+", " ", text)
    return f"`{plain}`"
