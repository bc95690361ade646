"""Track records as JSON: the series, history, backtest and figures of a model.

- `lookup.py`: the record of a version, and a series in it
- `series.py`: pages of series, of observations and of past forecasts
- `timestamps.py`: timestamps as JSON, a hundred thousand in milliseconds
- `context.py`: the last observations of a series, as a request has them
- `evaluation.py`: figures over all series
"""
