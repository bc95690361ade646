"""Display of series, forecasts and models: HTML, charts, readable numbers.

It knows arrays, frames and numbers alone, and no class of the library but its errors.

html          cards of facts, tables and bars by Jinja2 templates, every value escaped
backends      series drawn by matplotlib or Plotly, imported at their first use
series_chart  series with forecasts, as arrays to draw
charts        the same in matplotlib
plotly_chart  the same in Plotly, where that is installed
numbers       significant digits, thousands marked
wording       counts with nouns, lists, the methods that answer
"""
