"""Types of the service's JSON responses, and forecasts as a frame."""

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from serving.client.stamps import Clocks, read_stamps

if TYPE_CHECKING:
    import pandas as pd

Grid = list[list[float]]


class Answering(TypedDict):
    """The model of a response; the alias is None if the request named a version."""

    name: str
    version: str
    alias: str | None


class ModelSummary(TypedDict):
    """A servable model and the inputs that a request to it needs: see /docs."""

    name: str
    version: str
    alias: str | None
    aliases: list[str]
    latest: bool
    task: Literal["forecast"]
    seq_len: int
    least_history: int
    horizon: int
    freq: str | None
    target: str
    num_series: int
    cell: str
    methods: dict[str, int]
    metrics: dict[str, float]
    trained_until: str | int


class ModelDetails(ModelSummary):
    """The full description of a model: see /docs."""

    covariates: dict[str, list[str]]
    series_ids: list[str]
    context: list[dict[str, Any]]
    data: dict[str, Any]


class SequenceSummary(TypedDict):
    """A servable model of discrete series: see /docs."""

    name: str
    version: str
    alias: str | None
    aliases: list[str]
    latest: bool
    task: Literal["classify", "label", "next"]
    cell: str
    num_classes: int
    num_symbols: int
    channels: list[str]
    is_text: bool
    num_series: int | None
    num_rows: int | None
    metrics: dict[str, float]


class SequenceDetails(SequenceSummary):
    """The full description of a model of discrete series: see /docs."""

    columns: list[dict[str, str]]
    classes: list[Any]
    symbols: list[Any]
    unknown: Any


class Explanation(TypedDict):
    """The dependence of each step (row) on each observation (column): see /docs."""

    model: Answering
    windows: int
    lags: list[int]
    importance: Grid
    sensitivity: Grid
    covariates: dict[str, Grid]
    methods: dict[str, str]


def to_frame(answer: Any, clocks: Clocks | None = None) -> "pd.DataFrame":
    """Return a forecast as a frame, as ``recast forecast --output`` writes it.

    The columns are ``series_id, step, timestamp, point, lower_80, upper_80, ...,
    method``; ``frame.attrs["model"]`` names the version of the model.

    Args:
        answer: JSON response of the forecast route.
        clocks: of the frame that was sent; its time zone is that of the timestamps.
    """
    import pandas as pd

    forecasts = answer["forecasts"]
    columns: dict[str, list[Any]] = {"series_id": [], "step": [], "timestamp": []}
    columns["point"] = []
    for series in forecasts:
        steps = len(series["point"])
        columns["series_id"] += [series["id"]] * steps
        columns["step"] += range(1, steps + 1)
        columns["timestamp"] += series["timestamps"] or [None] * steps
        columns["point"] += series["point"]
        for level, bounds in series["intervals"].items():
            for side in ("lower", "upper"):
                columns.setdefault(f"{side}_{level}", []).extend(bounds[side])
    frame = pd.DataFrame(columns)
    if forecasts and isinstance(columns["timestamp"][0], str):
        frame["timestamp"] = read_stamps(columns["timestamp"], clocks)
    numbers = list(columns)[3:]
    frame[numbers] = frame[numbers].astype(float)
    frame["method"] = [s["method"] for s in forecasts for _ in s["point"]]
    frame.attrs["model"] = answer["model"]
    return frame
