# %% [markdown]
# # From a CSV to a forecast
#
# For an analyst: read a file, see how it was read, get a forecast in a second, find
# out how good it is, and train a model where that pays. Open this file in Jupyter
# (with jupytext), VS Code or PyCharm as a notebook, or run it as a script.

# %%
from pathlib import Path

import pandas as pd

from forecasting import (
    Forecaster,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
    read_frame,
    zero_shot,
)

DATA = next(path for path in (Path("data"), Path("../data")) if path.is_dir())

# %% [markdown]
# ## Read
#
# The number of sunspots in each month since 1749, which comes and goes in about eleven
# years. We want the next year.

# %%
sunspots = pd.read_csv(DATA / "sunspots.csv")
sunspots.tail(3)

# %% [markdown]
# The card shows how the frame was read: the frequency, the season, and each guess. A
# frame that could be read in two ways is refused, and the message names the keyword to
# settle it, such as `target` where several columns hold numbers.

# %%
panel = read_frame(sunspots)
panel

# %%
panel.plot(last=600)

# %% [markdown]
# ## A first forecast, without training
#
# Each series is forecast from its own values: exponential smoothing and a regression,
# weighted by how well they did. The shade is where 80 and 95 of 100 values should lie.

# %%
first = zero_shot(panel, horizon=12)
first.plot(last=120)

# %% [markdown]
# ## Is a trained network better?
#
# A backtest goes back to ten moments of the past, forecasts the year after each from
# the values before it, and compares with the values that came. The guard lets a simple
# method answer where the network gains nothing; the figures are of the answer.

# %%
forecaster = Forecaster(
    windows=WindowSpec(seq_len=36, horizon=12),
    model=RecurrentConfig(hidden_size=8, guard=True),
    training=TrainingConfig(epochs=5, device="cpu"),
)
backtest = forecaster.backtest(panel, folds=10, season_length=1)
backtest

# %% [markdown]
# Orange is this model; the shorter the bar, the better. *Skill* is the share of the
# error of "it stays as it is" that a model avoids, and the last line says how sure that
# is. `inside 80 %` should be near 80.

# %%
backtest.plot()

# %% [markdown]
# The table behind it, for a spreadsheet: `backtest.leaderboard.to_csv("models.csv")`.

# %%
backtest.leaderboard[["mae", "skill", "skill_lower", "skill_upper", "coverage_80"]]

# %% [markdown]
# ## Forecast
#
# The final model is trained on all months.

# %%
forecast = forecaster.fit(panel).predict()
forecast

# %%
forecast.plot(last=120)

# %% [markdown]
# As a table: `forecast.to_frame().to_csv("forecast.csv", index=False)` writes it.

# %%
forecast.to_frame()

# %% [markdown]
# ## Next
#
# `recast train sunspots.csv` does all this on the command line, keeps the run and
# registers the model; `recast serve` answers requests.
