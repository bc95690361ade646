"""Columns of an output table, named as in the file of the series."""

import pandas as pd

from forecasting.data.schema import Names, Schema
from forecasting.errors import SettingError
from forecasting.io.sorting import SEPARATOR


def name_as_in_data(
    frame: pd.DataFrame, schema: Schema, target: str = "point"
) -> pd.DataFrame:
    """Rename the columns of ids, timestamps and values to those of the series' file.

    Ids of several columns are split again. A file without ids gets none, and one with
    several columns of time keeps ``timestamp``.

    Args:
        frame: with the columns ``series_id`` and ``timestamp``.
        schema: of the series that a model was trained on.
        target: column that takes the name of the target.

    Raises:
        SettingError: two columns would have one name.
    """
    time = schema.time or ()
    names = {target: schema.target, "timestamp": time[0] if len(time) == 1 else None}
    named = {names.get(str(name)) or str(name): frame[name] for name in frame}
    ids = _split_ids(named.pop("series_id"), schema.series_id or ())
    if len(named) + 1 < len(frame.columns) or not ids.keys().isdisjoint(named):
        expected = "recast: the file has a column named like another one of the table"
        raise SettingError("column_names", "data", expected)
    before = [str(name) for name in frame][: list(frame).index("series_id")]
    first = {name: named.pop(name) for name in before}
    return pd.DataFrame(first | ids | named)


def _split_ids(ids: "pd.Series[str]", columns: Names) -> "dict[str, pd.Series[str]]":
    """Return the columns of ids; one joined column if the parts are not clear."""
    parts = [str(name).split(SEPARATOR) for name in ids]
    if len(columns) > 1 and any(len(part) != len(columns) for part in parts):
        return {SEPARATOR.join(columns): ids}
    return {
        column: ids if len(columns) == 1 else pd.Series([p[i] for p in parts])
        for i, column in enumerate(columns)
    }
