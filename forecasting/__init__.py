"""Recurrent forecasting: windows, networks, training, forecasts with intervals.

The names below are the public interface. Each is imported at its first use (PEP 562),
so that code without a network does not wait for the import of torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecasting.data.forecast import Forecast as Forecast
    from forecasting.data.panel import Panel as Panel
    from forecasting.data.windows import Windows as Windows
    from forecasting.data.windows import WindowSpec as WindowSpec
    from forecasting.data.windows import sliding_windows as sliding_windows
    from forecasting.errors import DataError as DataError
    from forecasting.errors import ForecastingError as ForecastingError
    from forecasting.errors import SettingError as SettingError
    from forecasting.evaluation.backtest import EvaluationConfig as EvaluationConfig
    from forecasting.evaluation.backtest import backtest as backtest
    from forecasting.evaluation.baselines import Baseline as Baseline
    from forecasting.evaluation.leaderboard import Backtest as Backtest
    from forecasting.explanation.explain import Explanation as Explanation
    from forecasting.explanation.explain import explain as explain
    from forecasting.forecaster.forecaster import Forecaster as Forecaster
    from forecasting.forecaster.local.per_series import fit_each as fit_each
    from forecasting.forecaster.local.per_series import (
        join_forecasters as join_forecasters,
    )
    from forecasting.forecaster.presets import forecaster_for as forecaster_for
    from forecasting.inspection.findings import Inspection as Inspection
    from forecasting.inspection.inspect import inspect_csv as inspect_csv
    from forecasting.io import read_csv as read_csv
    from forecasting.io import read_frame as read_frame
    from forecasting.io import read_future as read_future
    from forecasting.models.config import RecurrentConfig as RecurrentConfig
    from forecasting.models.network import RecurrentNetwork as RecurrentNetwork
    from forecasting.regressors import GRURegressor as GRURegressor
    from forecasting.regressors import LSTMRegressor as LSTMRegressor
    from forecasting.regressors import RNNRegressor as RNNRegressor
    from forecasting.sequences.estimators import GRUClassifier as GRUClassifier
    from forecasting.sequences.estimators import LSTMClassifier as LSTMClassifier
    from forecasting.sequences.estimators import RNNClassifier as RNNClassifier
    from forecasting.sequences.labeler import SequenceLabeler as SequenceLabeler
    from forecasting.sequences.reading.archives import read_archive as read_archive
    from forecasting.sequences.reading.columns import SequenceColumns as SequenceColumns
    from forecasting.sequences.reading.tables import (
        read_sequence_file as read_sequence_file,
    )
    from forecasting.sequences.reading.tables import (
        read_sequence_frame as read_sequence_frame,
    )
    from forecasting.sequences.storage import load_sequence_model as load_sequence_model
    from forecasting.sequences.storage import save_sequence_model as save_sequence_model
    from forecasting.sequences.symbols.model import SymbolModel as SymbolModel
    from forecasting.training import EpochRecord as EpochRecord
    from forecasting.training import TrainingConfig as TrainingConfig
    from forecasting.zeroshot import ZeroShotForecaster as ZeroShotForecaster
    from forecasting.zeroshot import zero_shot as zero_shot

_MODULES = {
    "Backtest": "evaluation.leaderboard",
    "Baseline": "evaluation.baselines",
    "DataError": "errors",
    "EpochRecord": "training",
    "EvaluationConfig": "evaluation.backtest",
    "Explanation": "explanation.explain",
    "Forecast": "data.forecast",
    "Forecaster": "forecaster.forecaster",
    "ForecastingError": "errors",
    "GRUClassifier": "sequences.estimators",
    "GRURegressor": "regressors",
    "LSTMClassifier": "sequences.estimators",
    "LSTMRegressor": "regressors",
    "Inspection": "inspection.findings",
    "Panel": "data.panel",
    "RNNClassifier": "sequences.estimators",
    "RNNRegressor": "regressors",
    "RecurrentConfig": "models.config",
    "RecurrentNetwork": "models.network",
    "SequenceColumns": "sequences.reading.columns",
    "SequenceLabeler": "sequences.labeler",
    "SettingError": "errors",
    "SymbolModel": "sequences.symbols.model",
    "TrainingConfig": "training",
    "WindowSpec": "data.windows",
    "Windows": "data.windows",
    "backtest": "evaluation.backtest",
    "explain": "explanation.explain",
    "fit_each": "forecaster.local.per_series",
    "join_forecasters": "forecaster.local.per_series",
    "forecaster_for": "forecaster.presets",
    "load_sequence_model": "sequences.storage",
    "read_archive": "sequences.reading.archives",
    "read_sequence_file": "sequences.reading.tables",
    "read_sequence_frame": "sequences.reading.tables",
    "save_sequence_model": "sequences.storage",
    "inspect_csv": "inspection.inspect",
    "read_csv": "io",
    "read_frame": "io",
    "read_future": "io",
    "sliding_windows": "data.windows",
    "ZeroShotForecaster": "zeroshot",
    "zero_shot": "zeroshot",
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'forecasting' has no attribute {name!r}")
    return getattr(import_module(f"forecasting.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
