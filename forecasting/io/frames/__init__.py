"""Frames of pandas, polars and pyarrow: their indices and types of columns.

column_types  columns of any type in plain types
read          index levels as columns; a frame to a panel
"""

from forecasting.io.frames.column_types import to_plain_column, whole_ids
from forecasting.io.frames.read import FrameLike, read_frame

__all__ = ["FrameLike", "read_frame", "to_plain_column", "whole_ids"]
