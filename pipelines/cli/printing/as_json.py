"""Results of commands as JSON for ``--json``, with all digits."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from pipelines.output.files import to_records

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.data.forecast import Forecast
    from forecasting.explanation.explain import Explanation
    from pipelines.jobs.registration import Outcome
    from pipelines.jobs.sequences.registration import SequenceOutcome
    from pipelines.tracking.registry import ModelRow


def print_json(plain: Any) -> None:
    """Print plain values as JSON; numbers that JSON lacks become null."""
    text = json.dumps(_finite(plain), indent=2, ensure_ascii=False, allow_nan=False)
    typer.echo(text)


def _finite(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _finite(value) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_finite(value) for value in plain]
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def plain_scores(scores: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return a leaderboard, a mapping a model, best first."""
    return to_records(scores.rename_axis("model").reset_index())


def plain_outcome(result: "Outcome") -> dict[str, Any]:
    """Return the registered version, its verdict and the leaderboard."""
    return {
        "name": result.name,
        "version": result.version,
        "run_id": result.run_id,
        "alias": result.alias,
        "promoted": result.verdict.promote,
        "reason": result.verdict.reason,
        "warning": result.verdict.warning,
        "methods": dict(result.methods),
        "device": result.device,
        "seconds": result.seconds,
        "notes": list(result.notes),
        "scores": plain_scores(result.scores),
    }


def plain_sequences(result: "SequenceOutcome") -> dict[str, Any]:
    """Return the registered version of discrete series, its figures and verdict."""
    figures = result.scores.loc[[result.label]].to_dict("records")[0]
    return {
        "name": result.name,
        "version": result.version,
        "task": result.task,
        "accuracy": figures["accuracy"],
        "metrics": figures,
        "run_id": result.run_id,
        "alias": result.alias,
        "promoted": result.verdict.promote,
        "reason": result.verdict.reason,
        "warning": result.verdict.warning,
        "test": result.test,
        "device": result.device,
        "seconds": result.seconds,
        "notes": list(result.notes),
        "scores": plain_scores(result.scores),
    }


def plain_models(rows: Sequence["ModelRow"]) -> list[dict[str, Any]]:
    """Return registered versions, newest first."""
    return [
        {
            "name": row.name,
            "version": row.version,
            "aliases": list(row.aliases),
            "task": row.task,
            "cell": row.tags.get("label", "").removeprefix("guarded "),
            "answers": row.tags.get("answers", ""),
            "trained_until": row.tags.get("trained_until", ""),
            "metrics": row.metrics,
        }
        for row in rows
    ]


def plain_forecast(
    forecast: "Forecast", title: str, notes: Sequence[str]
) -> dict[str, Any]:
    """Return a forecast with a mapping for each series and step."""
    rows = to_records(forecast.to_frame())
    return {"model": title, "notes": list(notes), "forecast": rows}


def plain_explanation(
    explanation: "Explanation", title: str, notes: Sequence[str]
) -> dict[str, Any]:
    """Return the importance of each lag and covariate for each step."""
    return {
        "model": title,
        "notes": list(notes),
        "windows": explanation.windows,
        "importance": to_records(explanation.to_frame()),
    }
