"""Input: CSV files and frames to a `Panel`, with all checks of incoming data.

csv_format  bytes to a table of text: compression, encoding, delimiter, header
columns     roles of the columns
time_columns  guess of the columns of the time
numbers     text to numbers
sorting     rows to series, oldest first
missing     missing values and timestamps, by policy
alignment   covariate columns over the timestamps of the series
panel       all of these, in order
frames      frames of pandas, polars and pyarrow to a table
future      known covariates of the steps ahead, from a separate table
"""

from forecasting.io.frames import read_frame
from forecasting.io.future import read_future
from forecasting.io.panel import read_csv

__all__ = ["read_csv", "read_frame", "read_future"]
