# %% [markdown]
# # Coming from Prophet
#
# For a data scientist with the habits `ds`, `y`, `make_future_dataframe`,
# `cross_validation` and `plot_components`. The table names the counterparts; the cells
# below use each of them.
#
# | there | here |
# |---|---|
# | a frame with `ds` and `y` | any frame; roles are found, or named by keywords |
# | `m.fit(df)` | `forecaster.fit(df)` |
# | `m.make_future_dataframe(7)` | `predict(horizon=7)` knows the calendar |
# | `m.add_regressor("x")` | a known covariate: a column with values ahead |
# | Fourier terms of the year | known covariates, or `calendar_features=True` |
# | `m.plot_components` | `explain(forecaster, panel).plot()` |
# | `cross_validation`, `performance_metrics` | `forecaster.backtest(df, folds=...)` |
# | `interval_width=0.8` | `predict(levels=(80, 95))`, calibrated on past errors |
# | one model a series | one model of all series, or `fit_each` |

# %%
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting import (
    Forecaster,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
    explain,
    read_frame,
)

DATA = next(path for path in (Path("data"), Path("../data")) if path.is_dir())
HORIZON = 7

# %% [markdown]
# ## The frame
#
# The highest temperature in Seattle, with the wind of the day. The wind of tomorrow is
# unknown today: it is a past covariate.

# %%
weather = pd.read_csv(DATA / "rainfall.csv", parse_dates=["date"])
df = weather.rename(columns={"date": "ds", "temp_max": "y"})[["ds", "y", "wind"]]
df.tail(3)

# %% [markdown]
# ## Regressors and the future
#
# Fourier terms of the year are known for any day. Rows without `y` at the end are the
# future; they hold the known covariates of the steps ahead, as the frame of
# `make_future_dataframe` would.


# %%
def add_fourier_terms(frame: pd.DataFrame) -> pd.DataFrame:
    angle = 2 * np.pi * frame["ds"].dt.day_of_year / 365.25
    return frame.assign(yearly_sin=np.sin(angle), yearly_cos=np.cos(angle))


ahead = pd.DataFrame({"ds": pd.date_range(df["ds"].max(), periods=HORIZON + 1)[1:]})
frame = add_fourier_terms(pd.concat([df, ahead], ignore_index=True))
frame.tail(2)

# %% [markdown]
# The keywords are those of `read_frame`; `fit`, `predict` and `backtest` take them too.

# %%
panel = read_frame(
    frame,
    time="ds",
    target="y",
    past_covariates="wind",
    known_covariates=["yearly_sin", "yearly_cos"],
)
panel

# %% [markdown]
# ## Fit and predict
#
# A network reads four weeks and the Fourier terms of the week ahead. With `guard=True`,
# a simple method would answer where validation finds no gain by the network.

# %%
forecaster = Forecaster(
    windows=WindowSpec(seq_len=28, horizon=HORIZON),
    model=RecurrentConfig(cell="gru", hidden_size=8, season_length=7),
    training=TrainingConfig(epochs=5, device="cpu"),
)
forecaster.fit(panel)
forecaster

# %%
forecast = forecaster.predict(levels=(80,))
forecast.to_frame().rename(columns={"timestamp": "ds", "point": "yhat"})

# %% [markdown]
# A what-if: the same week as if it were in July. `future` replaces the known
# covariates. It is warmer, but not by much: the network trusts the last four weeks,
# which are those of December.

# %%
july = add_fourier_terms(
    pd.DataFrame({"ds": pd.date_range("2016-07-01", periods=HORIZON)})
)
[name] = panel.series_ids
what_if = forecaster.predict(
    future={
        column: {name: july[column].to_numpy()}
        for column in ("yearly_sin", "yearly_cos")
    }
)
pd.DataFrame({"as it is": forecast.points[0], "in July": what_if.points[0]}).round(1)

# %% [markdown]
# ## Components
#
# A network has no sum of trend and seasonality to plot. Its counterpart is the slope of
# each forecast step with respect to each input: rows are steps ahead, columns are lags,
# negative ones lie in the future.

# %%
explanation = explain(forecaster, panel, windows=32)
explanation.plot()

# %%
shares = {name: part.sum(axis=1).mean() for name, part in explanation.shares().items()}
pd.Series(shares, name="share of the importance").round(2)

# %% [markdown]
# ## Cross-validation
#
# `folds` cutoffs, a horizon apart, as `cross_validation(period=..., horizon=...)` with
# both of one length; `refit=True` trains anew at each, as Prophet does. Baselines stand
# beside the model, because an error alone says little.

# %%
backtest = forecaster.backtest(panel, folds=8)
backtest

# %% [markdown]
# `performance_metrics`, by step ahead:

# %%
backtest.by_step["mae"].unstack("model").round(2)

# %%
errors = backtest.to_frame()
errors[errors["model"] == backtest.label].head()

# %% [markdown]
# ## Save
#
# `forecaster.save("model")` writes JSON and safetensors, no pickle;
# `Forecaster.load("model")` reads them anywhere. `recast train` does the same with a
# run in MLflow, and a version that `recast serve` answers from.
