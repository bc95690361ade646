"""CSV files and frames to a `Panel`: the one place where data come in, and are checked.

dialect   bytes to a table of text: compression, encoding, delimiter, header
columns   which column is what
numerals  text to numbers
ordering  rows to series, oldest first
filling   missing values and moments, by policy
spreading columns over the moments of the series, the future apart
panels    all of it, in order
ahead     known covariates of the steps ahead, from a table of their own
"""

from forecasting.reading.ahead import read_future
from forecasting.reading.panels import read_csv, read_frame

__all__ = ["read_csv", "read_frame", "read_future"]
