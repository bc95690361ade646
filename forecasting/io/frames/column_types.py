"""Columns of any type in plain types: numbers, datetimes, and text as objects."""

from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import InvalidValues

NUMBER_KINDS = {"decimal", "boolean", "floating", "integer", "mixed-integer-float"}
DATE_KINDS = {"date", "datetime", "datetime64"}


def to_plain_column(name: str, column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column in a plain type: numbers, datetimes, or text as objects.

    Categories become text; periods their first moments; numbers and dates that are
    stored as objects, nullable or pyarrow types become numbers and datetimes.

    Raises:
        InvalidValues: the column holds complex numbers.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories_as_text(column)
    if isinstance(dtype, pd.PeriodDtype):
        moments: pd.Series[Any] = column.dt.to_timestamp(how="start")
        return moments
    if isinstance(dtype, pd.SparseDtype):
        return to_plain_column(name, pd.Series(np.asarray(column), index=column.index))
    if isinstance(dtype, pd.ArrowDtype):
        return _plain_arrow(column, dtype)
    if pd.api.types.is_complex_dtype(dtype):
        advice = "Give real numbers."
        raise InvalidValues(name, ["row 0"], "complex numbers", advice)
    return _plain_nullable(column)


def whole_ids(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers of a type for fractions as integers: 1.0 is 1."""
    if not pd.api.types.is_float_dtype(column.dtype) or column.isna().any():
        return column
    values = column.to_numpy(dtype=np.float64)
    is_exact = (values == np.floor(values)) & (np.abs(values) < 2**53)
    if not is_exact.all():
        return column
    return pd.Series(values.astype(np.int64), index=column.index)


def _plain_nullable(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column of nullable or object type in a plain one."""
    dtype = column.dtype
    if isinstance(dtype, pd.StringDtype):
        return column.astype("str") if dtype.na_value is pd.NA else column
    if pd.api.types.is_object_dtype(dtype):
        return _plain_objects(column)
    is_nullable = pd.api.types.is_extension_array_dtype(dtype)
    if is_nullable and pd.api.types.is_numeric_dtype(dtype):
        return _plain_numbers(column)
    return column


def _plain_numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a nullable column of numbers in a type of NumPy, NaN where missing."""
    if column.isna().any():
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series(values, index=column.index)
    kind = getattr(column.dtype, "numpy_dtype", np.dtype(np.float64))
    return pd.Series(column.to_numpy(dtype=kind), index=column.index)


def _plain_arrow(column: "pd.Series[Any]", dtype: pd.ArrowDtype) -> "pd.Series[Any]":
    """Return a column of a pyarrow type in a plain one."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        is_decimal = column.dtype.kind == "O"
        return _plain_objects(column) if is_decimal else _plain_numbers(column)
    kind = dtype.pyarrow_dtype
    if pd.api.types.is_datetime64_any_dtype(column.dtype) and hasattr(kind, "tz"):
        zoned = None if kind.tz is None else pd.DatetimeTZDtype("ns", kind.tz)
        return column.astype(zoned or "datetime64[ns]")
    return _plain_objects(column.astype(object))


def _plain_objects(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return numbers and dates that are stored as objects in a type of theirs."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in DATE_KINDS:
        return _to_datetimes(column)
    if kind == "period":
        return pd.Series([v if pd.isna(v) else v.start_time for v in column])
    if kind in NUMBER_KINDS:
        if kind == "integer" and not column.isna().any():
            return column.infer_objects()
        values = [np.nan if pd.isna(value) else float(value) for value in column]
        return pd.Series(values, dtype=np.float64)
    return column.where(column.notna(), None)


def _to_datetimes(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return datetimes or dates as datetimes, in UTC if their offsets differ."""
    try:
        return pd.to_datetime(column)
    except (ValueError, TypeError):  # with and without a zone, or several offsets
        naive = [getattr(v, "tzinfo", None) is None for v in column.dropna()]
        return column if any(naive) else pd.to_datetime(column, utc=True)


def _categories_as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return categories as text, whole numbers without a decimal point.

    Categories that are dates stay dates.
    """
    categories = pd.Series(column.cat.categories)
    if pd.api.types.is_datetime64_any_dtype(categories.dtype):
        return column.astype(categories.dtype)
    names = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else value
        for value in categories.tolist()
    ]
    texts = np.array([*map(str, names), None], dtype=object)
    return pd.Series(texts[column.cat.codes.to_numpy()], dtype=object)
