"""The recurrent networks as scikit-learn regressors of windows.

estimators  `RNNRegressor`, `LSTMRegressor`, `GRURegressor`
base        what they share: fit and predict
rows        windows that lie in memory, one a row, and how they are normalised
shrinkage   how far a network is trusted beyond the linear forecast
"""

from forecasting.regressors.estimators import (
    GRURegressor,
    LSTMRegressor,
    RNNRegressor,
)

__all__ = ["GRURegressor", "LSTMRegressor", "RNNRegressor"]
