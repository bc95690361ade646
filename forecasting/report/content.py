"""The parts of a report, from a model and its track record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecasting.display.html import Bar, BarTable, Fact, Table, shorten, shorten_list
from forecasting.display.numbers import readable, round_significant
from forecasting.display.wording import count
from forecasting.forecaster.forecaster import Forecaster
from forecasting.report import sentences
from forecasting.report.influence import draw_influence, measure_influence
from forecasting.report.series import (
    choose_series,
    draw_history,
    draw_latest,
    forecast_ahead,
)
from forecasting.report.svg import Chart, Curve, draw
from forecasting.timestamps.zones import format_moments
from forecasting.track_record.record import TrackRecord

MAX_ROWS = 50  # of the series
MAX_MODELS = 12  # of the leaderboard
MAX_STEP_MARKS = 8
MAX_NOTES, MAX_NOTE = 20, 500  # notes, and characters of one
MAX_SETTINGS, MAX_COMMAND = 10_000, 4_000  # characters
NO_RECORD = (
    "This version has no track record: it was registered by an older Recast; train "
    "again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Place of a model in the registry; of a folder, its name alone.

    Attributes:
        name: of the model.
        version: number; empty for a folder.
        aliases: that point to the version.
        verdict: decision on its promotion; empty for none.
    """

    name: str
    version: str = ""
    aliases: Sequence[str] = ()
    verdict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All parts of a report, ready for the template.

    Attributes:
        registered: name, version, aliases and verdict.
        headline: the main sentence.
        sentences: further ones below it.
        charts: of series.
        leaderboard: errors of the models in the unit of the data.
        steps: error by step ahead, as a chart.
        coverage: sentence on each interval.
        series: method and error of each series.
        influence: inputs that the forecast depends on, or why they are unknown.
        data: facts on the series.
        notes: of the reader and of the preset.
        good_for, not_good_for: uses and limits.
        card: facts of the model.
        settings: the job file.
        command: that repeats the training; empty if unknown.
    """

    registered: Registered
    headline: str
    sentences: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    leaderboard: BarTable | None = None
    steps: Chart | None = None
    coverage: Sequence[str] = ()
    series: Table | None = None
    influence: BarTable | str = ""
    data: Sequence[Fact] = ()
    notes: Sequence[str] = ()
    good_for: Sequence[str] = ()
    not_good_for: Sequence[str] = ()
    card: Sequence[Fact] = ()
    settings: str = ""
    command: str = ""
    versions: Sequence[str] = field(default_factory=tuple)


def make_report(
    forecaster: Forecaster,
    record: TrackRecord | None,
    registered: Registered,
) -> Report:
    """Return the report of a model.

    Args:
        forecaster: the model.
        record: its track record; None for one of an older Recast.
        registered: its place in the registry.
    """
    trained = forecaster.trained
    freq = trained.context.calendar.freq
    parts: dict[str, Any] = {
        "good_for": sentences.describe_use(trained, freq),
        "not_good_for": sentences.describe_limits(trained, record, freq),
        "card": _card(forecaster, record),
    }
    if record is None:
        return Report(
            registered=registered,
            headline=NO_RECORD,
            influence=measure_influence(forecaster),
            **parts,
        )
    evaluation, facts = record.evaluation, record.facts
    measured = [
        sentences.describe_test(evaluation, freq, len(_tested(record))),
        sentences.describe_answers(evaluation, freq),
        sentences.describe_covariates(record.history),
        registered.verdict and f"Promotion: {registered.verdict}.",
    ]
    return Report(
        registered=registered,
        headline=sentences.describe_error(evaluation, freq),
        sentences=[text for text in measured if text],
        charts=_charts(forecaster, record),
        leaderboard=_leaderboard(record, freq),
        steps=_error_by_step(record),
        coverage=[
            sentences.describe_coverage(evaluation, level)
            for level in evaluation.levels
        ],
        series=_series_table(record),
        influence=draw_influence(facts.influence),
        data=_data(record),
        notes=_notes(facts.notes),
        settings=_cut(facts.settings, MAX_SETTINGS),
        command=_cut(facts.command, MAX_COMMAND),
        versions=[f"{name} {number}" for name, number in facts.versions.items()],
        **parts,
    )


def _notes(notes: Sequence[str]) -> list[str]:
    """Return the first notes, and the number of the others."""
    shown = [shorten(note, MAX_NOTE) for note in notes[:MAX_NOTES]]
    rest = len(notes) - len(shown)
    return shown + ([f"... and {rest} more notes"] if rest else [])


def _cut(text: str, limit: int) -> str:
    """Return a text, or its beginning with a remark."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n... (cut; job.yaml among the artifacts of the run has all)"


def _tested(record: TrackRecord) -> list[int]:
    return np.flatnonzero(np.isfinite(record.figures.mae)).tolist()


def _charts(forecaster: Forecaster, record: TrackRecord) -> list[Chart]:
    chosen = choose_series(record)
    names = [record.history.series_ids[place] for place, _ in chosen]
    level = list(record.evaluation.levels[:1])
    ahead, note = forecast_ahead(forecaster, names, level)
    charts = [draw_latest(record, place, why, ahead, note) for place, why in chosen]
    if chosen and (whole := draw_history(record, chosen[0][0])):
        charts.insert(1, whole)
    return charts


def _leaderboard(record: TrackRecord, freq: str | None) -> BarTable:
    """Return the errors of all models, in the unit of the data."""
    evaluation, bars = record.evaluation, []
    for model, scores in list(evaluation.leaderboard.items())[:MAX_MODELS]:
        name = sentences.name_baseline(model, freq, evaluation.season_length)
        is_served = model == evaluation.label
        cells = [
            _percent(scores.get(f"coverage_{level:g}", math.nan))
            for level in evaluation.levels
        ]
        bars.append(
            Bar(
                label=f"this model ({name})" if is_served else name,
                value=scores.get("mae", math.nan),
                is_main=is_served,
                cells=[_percent(scores.get("skill", math.nan), sign=True), *cells],
            )
        )
    inside = [f"inside {level:g}\u00a0%" for level in evaluation.levels]
    target = shorten(record.history.target, 40)
    return BarTable(
        columns=("method", f"typical error in {target} (MAE)", "skill", *inside),
        bars=bars,
    )


def _percent(share: float, *, sign: bool = False) -> str:
    if not math.isfinite(share):
        return "-"
    return f"{100 * share:{'+' if sign else ''}.0f}\u00a0%"


def _error_by_step(record: TrackRecord) -> Chart | None:
    """Return the error of the model and of the best baseline at each step ahead."""
    evaluation, freq = record.evaluation, record.history.calendar.freq
    if evaluation.horizon < 2:
        return None
    steps = np.arange(1, evaluation.horizon + 1)
    served = np.array(evaluation.by_step[evaluation.label])
    simple = np.array(evaluation.by_step[evaluation.baseline])
    name = sentences.name_baseline(evaluation.baseline, freq, evaluation.season_length)
    first, last = readable(float(served[0]), 3), readable(float(served[-1]), 3)
    marks = range(1, evaluation.horizon + 1, -(-evaluation.horizon // MAX_STEP_MARKS))
    return draw(
        "Typical error by step ahead",
        f"{first} at the first step, {last} at the last; {name}: "
        f"{readable(float(simple[0]), 3)} and {readable(float(simple[-1]), 3)}.",
        [
            Curve("other", steps, simple),
            Curve("ahead", steps, served, has_dots=evaluation.horizon <= 100),
        ],
        [],
        [(step, f"{step}") for step in marks],
        [("ahead", "this model"), ("other", name)],
        from_zero=True,
    )


def _series_table(record: TrackRecord) -> Table:
    """Return the series with the largest errors, with method and coverage."""
    figures, levels = record.figures, record.evaluation.levels
    rows = [
        [
            figures.series_ids[place],
            figures.methods[place].replace("_", " ") or "not forecast",
            _error(figures.mae[place]),
            _error(figures.baseline_mae[place]),
            *(_percent(share) for share in figures.coverage[place].tolist()[:1]),
        ]
        for place in record.by_error[:MAX_ROWS]
    ]
    inside = [f"inside {level:g}\u00a0%" for level in levels[:1]]
    return Table(
        columns=("series", "method", "typical error", "best simple", *inside),
        rows=rows,
        total=record.num_series,
    )


def _error(value: float) -> float:
    return round_significant(float(value), 3) if math.isfinite(value) else math.nan


def _data(record: TrackRecord) -> list[Fact]:
    facts, figures, history = record.facts, record.figures, record.history
    calendar = history.calendar
    rows = int(figures.observations.sum())
    first, last = format_moments(
        np.array([figures.first.min(), figures.last.max()]), calendar.zone
    )
    freq = "numbered steps" if calendar.freq is None else f"frequency {calendar.freq}"
    zone = [("Zone", calendar.zone)] if calendar.zone else []
    left_out = record.num_series - len(figures)
    note = f" (of the first {len(figures):,} series)" if left_out else ""
    return [
        ("File", facts.source or "unknown"),
        ("Rows", f"{rows:,} observations of {history.target}{note}"),
        ("Series", f"{record.num_series:,}"),
        ("Time", f"{_day(first)} to {_day(last)}, {freq}"),
        *zone,
        ("Digest", facts.digest or "unknown"),
    ]


def _card(forecaster: Forecaster, record: TrackRecord | None) -> list[Fact]:
    """Return the facts of a model card."""
    trained = forecaster.trained
    context, model = trained.context, trained.config.model
    step = sentences.name_step(context.calendar.freq)
    [until] = format_moments(
        np.array([context.timestamps.max()]), context.calendar.zone
    )
    covariates = [
        f"{shorten_list(names)} ({role})"
        for role in ("known", "past", "static")
        if (names := trained.covariates.names(role))
    ]
    members = "" if model.members == 1 else f"{model.members} networks, "
    start = "" if record is None else record.facts.start
    return [
        ("Trained until", _day(until)),
        *([("Fine-tuned from", start)] if start else []),
        ("Network", f"{members}{model.cell} of {count(model.hidden_size, 'unit')}"),
        (
            "Window",
            f"{count(trained.seq_len, step)} in, {count(trained.horizon, step)} ahead",
        ),
        ("Normalization", trained.normalization),
        ("Covariates", "; ".join(covariates) or "none"),
    ]


def _day(stamp: str) -> str:
    return str(stamp).removesuffix("T00:00:00")
