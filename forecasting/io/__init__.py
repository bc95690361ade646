"""Input: CSV files and frames to a `Panel`, with all checks of incoming data.

sources     files by format and encoding, titles, header and delimiter of a text
csv_format  files to a table of text and numbers
columns     roles of the columns
numbers     text to numbers: signs, groups, units
marks       decimals and thousands, decided for a whole table
sorting     rows to series, oldest first
missing     missing values and timestamps, by policy
alignment   covariate columns over the timestamps of the series
panel       all of these, in order
future      known covariates of the steps ahead, from a separate table
"""

from forecasting.io.future import read_future
from forecasting.io.panel import read_csv, read_frame

__all__ = ["read_csv", "read_frame", "read_future"]
