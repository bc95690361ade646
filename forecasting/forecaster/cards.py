"""Forecasters in a line, as cards for notebooks, and as a table of their series."""

import numpy as np
import pandas as pd

from forecasting.display.html import Card, Fact, Table
from forecasting.display.numbers import readable
from forecasting.display.wording import count, describe_methods
from forecasting.forecaster.trained_model import (
    ForecasterConfig,
    GlobalModel,
    TrainedModel,
)
from forecasting.timestamps.calendar import format_timestamp


def describe_forecaster(config: ForecasterConfig, trained: TrainedModel | None) -> str:
    """Describe a forecaster in one line: network, window, series, methods."""
    text = f"Forecaster {config.model.label}: {_describe_window(config)}"
    if trained is None:
        return f"<{text}; not trained>"
    series = count(len(trained.context), "series", "series")
    answers = describe_methods(trained.method_counts)
    text += f"; trained on {series} until {_last_moment(trained)}; answers: {answers}"
    return f"<{text}>"


def describe_gain(trained: TrainedModel) -> str:
    """Describe the errors that made the zero-shot forecast the answer, or ``""``."""
    guard = trained.guard if isinstance(trained, GlobalModel) else None
    if guard is None or guard.gain is None:
        return ""
    error, other = readable(guard.gain.error), readable(guard.gain.other)
    return (
        f"zero shot answers: its scaled error in validation is {error}, that of the "
        f"trained forecasts {other}"
    )


def forecaster_card(config: ForecasterConfig, trained: TrainedModel | None) -> Card:
    """Return the card of a forecaster: settings, series and their methods."""
    model, title = config.model, f"Forecaster {config.model.label}"
    layers, members = count(model.num_layers, "layer"), count(model.members, "member")
    facts: list[Fact] = [
        ("window", _describe_window(config)),
        ("network", f"{model.cell}, {model.hidden_size} units, {layers}, {members}"),
    ]
    if trained is None:
        sentence = "Not trained: call fit with a panel or a frame."
        return Card(title=title, sentence=sentence, facts=facts)
    facts += [
        ("normalization", trained.normalization),
        ("season", trained.season_length if trained.season_length > 1 else "none"),
        ("target", trained.context.target),
        ("trained until", _last_moment(trained)),
        ("answers", describe_methods(trained.method_counts)),
    ]
    if gain := describe_gain(trained):
        facts.append(("chosen because", gain))
    if trained.context.roles:
        facts.append(("covariates", ", ".join(trained.context.roles)))
    return Card(title=title, facts=facts, tables=[Table.of(list_series(trained))])


def list_series(trained: TrainedModel) -> pd.DataFrame:
    """Return a row a series of the training: ``series_id, last, method``.

    ``last`` is the last timestamp of the training, in the zone of the series.
    """
    context = trained.context
    last = context.last_timestamps()
    zone, places = context.calendar.zone, np.arange(len(context))
    moments = (
        last if zone is None else pd.DatetimeIndex(last, tz="UTC").tz_convert(zone)
    )
    return pd.DataFrame(
        {
            "series_id": np.asarray(context.series_ids, dtype=object),
            "last": moments,
            "method": trained.answering_methods(places, context.lengths),
        }
    )


def _describe_window(config: ForecasterConfig) -> str:
    windows = config.windows
    return f"reads {count(windows.seq_len, 'step')}, forecasts {windows.horizon}"


def _last_moment(trained: TrainedModel) -> str:
    context = trained.context
    return format_timestamp(context.last_timestamps().max(), context.calendar.zone)
