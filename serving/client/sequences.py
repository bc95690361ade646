"""Calls to models of discrete series, and their answers as frames."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from serving.client.calls import Call, model_path

if TYPE_CHECKING:
    import pandas as pd

# Of each series by id: a number for each step, or a list of the numbers of its
# channels; arrays may be NumPy's.
NumberData: TypeAlias = Mapping[str, Sequence[Any]]
Symbol: TypeAlias = str | int | float | bool
Symbols: TypeAlias = str | Sequence[Symbol]


class Generated(TypedDict):
    """Generated symbols; ``text`` is None unless all are single characters."""

    model: str
    version: str
    alias: str | None
    symbols: list[Symbol]
    text: str | None
    stopped: bool


def classify(
    model: str, data: NumberData, query: dict[str, str], *, explain: bool
) -> Call["pd.DataFrame"]:
    """Return the call for the class of each series."""
    body = {"series": _number_series(data), "explain": explain}
    return Call(f"{model_path(model)}/classify", query, body, _classes_to_frame)


def label(model: str, data: NumberData, query: dict[str, str]) -> Call["pd.DataFrame"]:
    """Return the call for the label of each step."""
    body = {"series": _number_series(data)}
    return Call(f"{model_path(model)}/label", query, body, _labels_to_frame)


def next_symbol(
    model: str, data: Mapping[str, Symbols], top: int, query: dict[str, str]
) -> Call["pd.DataFrame"]:
    """Return the call for the most probable symbols after each series."""
    series = [{"id": name, "symbols": _plain(one)} for name, one in data.items()]
    body = {"series": series, "top": top}
    return Call(f"{model_path(model)}/next", query, body, _symbols_to_frame)


def generate(
    model: str, seed: Symbols, query: dict[str, str], **settings: Any
) -> Call[Generated]:
    """Return the call for a generation."""
    body = {"seed": _plain(seed), **settings}
    return Call(f"{model_path(model)}/generate", query, body, lambda answer: answer)


def _plain(values: Any) -> Any:
    """Return a text as it is, and any other series as a list."""
    if isinstance(values, str):
        return values
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _number_series(data: NumberData) -> list[dict[str, Any]]:
    series = []
    for name, values in data.items():
        rows = [_plain(v) if hasattr(v, "__len__") else v for v in _plain(values)]
        if not all(map(math.isfinite, _flat(rows))):
            problem = "has a value that is missing or infinite"
            raise ValueError(f"series {name!r} {problem}")
        series.append({"id": str(name), "values": rows})
    return series


def _flat(rows: Sequence[Any]) -> Iterator[float]:
    for row in rows:
        yield from row if isinstance(row, list) else [row]


def _classes_to_frame(answer: Any) -> "pd.DataFrame":
    predictions = answer["predictions"]
    columns = {
        "series_id": [one["id"] for one in predictions],
        "label": [one["label"] for one in predictions],
    }
    rows = [one["probabilities"] for one in predictions]
    columns |= _probability_columns(answer["classes"], rows)
    for extra in ("parts", "share"):
        if predictions and extra in predictions[0]:
            columns[extra] = [one[extra] for one in predictions]
    return _frame(columns, answer)


def _labels_to_frame(answer: Any) -> "pd.DataFrame":
    predictions = answer["predictions"]
    columns: dict[str, list[Any]] = {"series_id": [], "step": [], "label": []}
    for one in predictions:
        steps = len(one["labels"])
        columns["series_id"] += [one["id"]] * steps
        columns["step"] += range(1, steps + 1)
        columns["label"] += one["labels"]
    rows = [row for one in predictions for row in one["probabilities"]]
    return _frame(columns | _probability_columns(answer["classes"], rows), answer)


def _symbols_to_frame(answer: Any) -> "pd.DataFrame":
    listed = [
        (one["id"], rank, entry["symbol"], entry["probability"])
        for one in answer["predictions"]
        for rank, entry in enumerate(one["top"], 1)
    ]
    names = ("series_id", "rank", "symbol", "probability")
    columns = {name: [row[k] for row in listed] for k, name in enumerate(names)}
    return _frame(columns, answer)


def _probability_columns(
    classes: Sequence[Any], rows: Sequence[Sequence[float]]
) -> dict[str, list[Any]]:
    return {
        f"probability_{name}": [row[code] for row in rows]
        for code, name in enumerate(classes)
    }


def _frame(columns: dict[str, list[Any]], answer: Any) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame(columns)
    model = {"name": answer["model"], "version": answer["version"]}
    frame.attrs["model"] = model | {"alias": answer["alias"]}
    return frame
