"""Recurrent networks as scikit-learn regressors of windows.

estimators  `RNNRegressor`, `LSTMRegressor`, `GRURegressor`
base        their base class: fit and predict
rows        normalisation of windows in memory, one per row
shrinkage   shrinkage of the network towards the linear forecast
"""

from forecasting.regressors.estimators import (
    GRURegressor,
    LSTMRegressor,
    RNNRegressor,
)

__all__ = ["GRURegressor", "LSTMRegressor", "RNNRegressor"]
