"""Input: CSV files and frames to a `Panel`, with all checks of incoming data.

sources     files by format and encoding, titles, header and delimiter of a text,
            plain numbers
csv_format  files to a table of text and numbers
columns     roles of the columns
time_columns  guess of the columns of the time
numbers     text to numbers: signs, groups, units
marks       decimals and thousands, decided for a whole table
sorting     rows to series, oldest first
missing     missing values and timestamps, by policy
alignment   covariate columns over the timestamps of the series
resampling  rows of one step, or of one moment, to one row
panel       all of these, in order
frames      frames of pandas, polars and pyarrow to a table
future      new observations and known covariates ahead, for a trained model
"""

from forecasting.io.frames import read_frame
from forecasting.io.future import as_panel, read_future, read_latest
from forecasting.io.panel import read_csv

__all__ = ["as_panel", "read_csv", "read_frame", "read_future", "read_latest"]
