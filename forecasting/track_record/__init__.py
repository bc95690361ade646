"""Track record: the history and the backtest of a model, stored beside its weights.

- `record.py`: the record of a version, and its parts
- `facts.py`: origin of the model: file, notes, settings, command
- `build.py`: the record of a finished backtest
- `bounds.py`: the series that fit into a record of bounded size
- `storage.py`: the record as JSON and tensors in the folder of a model
- `worst.py`: the moments with the largest errors
"""
