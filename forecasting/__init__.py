"""Recurrent forecasting: windows, networks, training, forecasts with intervals.

The names below are the library; each is imported when it is first asked for, so that
what needs no network does not wait for torch (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecasting.backtesting import EvaluationConfig as EvaluationConfig
    from forecasting.backtesting import backtest as backtest
    from forecasting.baselines import Baseline as Baseline
    from forecasting.configuration import RecurrentConfig as RecurrentConfig
    from forecasting.errors import DataError as DataError
    from forecasting.errors import ForecastingError as ForecastingError
    from forecasting.errors import SettingError as SettingError
    from forecasting.explaining import Explanation as Explanation
    from forecasting.explaining import explain as explain
    from forecasting.fleet import fit_each as fit_each
    from forecasting.forecaster import Forecaster as Forecaster
    from forecasting.forecasts import Forecast as Forecast
    from forecasting.networks import RecurrentNetwork as RecurrentNetwork
    from forecasting.presets import forecaster_for as forecaster_for
    from forecasting.reading import read_csv as read_csv
    from forecasting.reading import read_frame as read_frame
    from forecasting.reading import read_future as read_future
    from forecasting.regressors import GRURegressor as GRURegressor
    from forecasting.regressors import LSTMRegressor as LSTMRegressor
    from forecasting.regressors import RNNRegressor as RNNRegressor
    from forecasting.series import Panel as Panel
    from forecasting.training import EpochRecord as EpochRecord
    from forecasting.training import TrainingConfig as TrainingConfig
    from forecasting.windows import Windows as Windows
    from forecasting.windows import WindowSpec as WindowSpec
    from forecasting.windows import sliding_windows as sliding_windows

_HOME = {
    "Baseline": "baselines",
    "DataError": "errors",
    "EpochRecord": "training",
    "EvaluationConfig": "backtesting",
    "Explanation": "explaining",
    "Forecast": "forecasts",
    "Forecaster": "forecaster",
    "ForecastingError": "errors",
    "GRURegressor": "regressors",
    "LSTMRegressor": "regressors",
    "Panel": "series",
    "RNNRegressor": "regressors",
    "RecurrentConfig": "configuration",
    "RecurrentNetwork": "networks",
    "SettingError": "errors",
    "TrainingConfig": "training",
    "WindowSpec": "windows",
    "Windows": "windows",
    "backtest": "backtesting",
    "explain": "explaining",
    "fit_each": "fleet",
    "forecaster_for": "presets",
    "read_csv": "reading",
    "read_frame": "reading",
    "read_future": "reading",
    "sliding_windows": "windows",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecasting' has no attribute {name!r}")
    return getattr(import_module(f"forecasting.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
