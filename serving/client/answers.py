"""What comes back: the service's JSON, typed, and forecasts as a frame."""

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import pandas as pd

Grid = list[list[float]]


class Answering(TypedDict):
    """The model that made an answer; the alias is None when asked by version."""

    name: str
    version: str
    alias: str | None


class ModelSummary(TypedDict):
    """A model that answers, and what a request to it needs: see /docs."""

    name: str
    version: str
    alias: str | None
    aliases: list[str]
    latest: bool
    seq_len: int
    least_history: int
    horizon: int
    freq: str | None
    target: str
    num_series: int
    cell: str
    metrics: dict[str, float]
    trained_until: str | int


class ModelDetails(ModelSummary):
    """All that is known of a model: see /docs."""

    covariates: dict[str, list[str]]
    series_ids: list[str]
    context: list[dict[str, Any]]


class Explanation(TypedDict):
    """How strongly each step (row) depends on each observation (column): see /docs."""

    model: Answering
    windows: int
    lags: list[int]
    importance: Grid
    sensitivity: Grid
    covariates: dict[str, Grid]


def to_frame(answer: Any) -> "pd.DataFrame":
    """Return a forecast as ``recast forecast --output`` writes it.

    The columns are ``series_id, step, timestamp, point, lower_80, upper_80, ...``;
    ``frame.attrs["model"]`` names the version that made it.

    Args:
        answer: of the forecast route.
    """
    import pandas as pd

    forecasts = answer["forecasts"]
    columns: dict[str, list[Any]] = {"series_id": [], "step": [], "timestamp": []}
    columns["point"] = []
    for one in forecasts:
        steps = len(one["point"])
        columns["series_id"] += [one["id"]] * steps
        columns["step"] += range(1, steps + 1)
        columns["timestamp"] += one["timestamps"] or [None] * steps
        columns["point"] += one["point"]
        for level, bounds in one["intervals"].items():
            for side in ("lower", "upper"):
                columns.setdefault(f"{side}_{level}", []).extend(bounds[side])
    frame = pd.DataFrame(columns)
    if forecasts and isinstance(columns["timestamp"][0], str):
        frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="ISO8601")
    numbers = list(columns)[3:]
    frame[numbers] = frame[numbers].astype(float)
    frame.attrs["model"] = answer["model"]
    return frame
