"""Calls of a service by the nixtla client: python nixtla_calls.py URL [zero_shot].

Runs in the environment of that client and prints the results as JSON.
"""

import json
import logging
import math
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
from nixtla import NixtlaClient

LENGTHS = {"x": 60, "y": 70, "z": 55}
SPIKE = 50  # of series y


def make_series():
    frames = []
    for level, (name, length) in enumerate(LENGTHS.items(), 10):
        values = [level + math.sin(i / 3) for i in range(length)]
        values = np.asarray(values, dtype=np.float32).astype(float)  # as they are sent
        dates = pd.date_range("2024-01-01", periods=length, freq="D")
        frames.append(pd.DataFrame({"unique_id": name, "ds": dates, "y": values}))
    return pd.concat(frames, ignore_index=True)


def spoil(df):
    spoiled = df.copy()
    spoiled.loc[LENGTHS["x"] + SPIKE, "y"] += 9
    return spoiled


def make_steps():
    values = [5 + math.sin(i) for i in range(40)]
    return pd.DataFrame({"unique_id": "s", "ds": range(40), "y": values})


def make_long():
    dates = pd.date_range("1900-01-01", periods=60_000, freq="D")
    values = 10 + np.sin(np.arange(60_000) / 3)
    frames = [{"unique_id": name, "ds": dates, "y": values} for name in "ab"]
    return pd.concat(map(pd.DataFrame, frames))


def plain(frame):
    if isinstance(frame, pd.DataFrame):
        frame = pl.from_pandas(frame)
    dates = [name for name in frame.columns if frame[name].dtype.is_temporal()]
    return frame.with_columns(pl.col(dates).dt.strftime("%Y-%m-%d")).to_dict(
        as_series=False
    )


def refused(call, *args, **options):
    try:
        call(*args, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "it was not refused"


def watch(client, select):
    """Return a list that receives the selected part of each request."""
    parts = []
    hooks = {"request": [lambda request: parts.append(select(request))]}
    client._client_kwargs["event_hooks"] = hooks
    return parts


def ask_without_models(url):
    """Print the results of calls to a service without any model, as its README has."""
    client = NixtlaClient(base_url=url, api_key="any", max_retries=1)
    df = make_series()
    exogenous = df.assign(price=1.0)
    results = {
        "sent": df,
        "forecast": client.forecast(df, h=5, level=[80, 95]),
        "older name": client.forecast(df, h=5, level=[80, 95], model="timegpt-1"),
        "named": client.forecast(df, h=5, level=[80, 95], model="zero_shot"),
        "quantiles": client.forecast(df, h=5, quantiles=[0.1, 0.5, 0.9]),
        "history": client.forecast(df, h=5, add_history=True),
        "polars": client.forecast(pl.from_pandas(df), h=5, freq="1d"),
        "steps": client.forecast(make_steps(), h=3, freq=1),
        "cross validation": client.cross_validation(
            df, h=3, n_windows=4, step_size=2, level=[90]
        ),
        "anomalies": client.detect_anomalies(spoil(df)),
        "latest anomalies": client.detect_anomalies_online(
            spoil(df), h=3, detection_size=25, level=95
        ),
    }
    answer = {name: plain(frame) for name, frame in results.items()}
    answer["refused"] = {
        "exogenous": refused(
            client.forecast, df=exogenous, h=5, hist_exog_list=["price"]
        ),
        "unknown": refused(client.forecast, df=df, h=5, model="nope"),
    }
    json.dump(answer, sys.stdout)


def main(url):
    client = NixtlaClient(base_url=url, api_key="any", max_retries=1)
    encodings = watch(client, lambda request: request.headers.get("content-encoding"))
    df = make_series()
    arguments = {"df": df, "h": 5, "model": "waves"}
    results = {
        "sent": df,
        "forecast": client.forecast(**arguments, level=[80, 95]),
        "by default": client.forecast(df, h=5),
        "of a version": client.forecast(df, h=5, model="waves/2"),
        "by alias": client.forecast(df, h=5, model="waves@challenger"),
        "quantiles": client.forecast(**arguments, quantiles=[0.1, 0.5, 0.9]),
        "deciles": client.forecast(
            **arguments, quantiles=[i / 10 for i in range(1, 10)]
        ),
        "in parts": client.forecast(**arguments, num_partitions=2, level=[80, 95]),
        "history": client.forecast(**arguments, add_history=True, level=[80]),
        "history in parts": client.forecast(
            **arguments, add_history=True, level=[80], num_partitions=3
        ),
        "polars": client.forecast(pl.from_pandas(df), h=5, freq="1d", model="waves"),
        "without ids": client.forecast(
            df[df.unique_id == "x"].drop(columns="unique_id"), h=5, model="waves"
        ),
        "steps": client.forecast(make_steps(), h=3, freq=1, model="my steps"),
        "cross validation": client.cross_validation(
            df, h=3, n_windows=4, step_size=2, level=[90], model="waves"
        ),
        "cross validation in parts": client.cross_validation(
            df, h=3, n_windows=4, step_size=2, num_partitions=2, model="waves"
        ),
        "anomalies": client.detect_anomalies(spoil(df), model="waves"),
        "anomalies in parts": client.detect_anomalies(
            spoil(df), model="waves", num_partitions=2
        ),
        "latest anomalies": client.detect_anomalies_online(
            spoil(df), h=3, detection_size=25, level=95, model="waves"
        ),
    }
    answer = {name: plain(frame) for name, frame in results.items()}
    encodings.clear()
    answer["long"] = plain(client.forecast(make_long(), h=2, model="waves"))
    answer["encodings"] = encodings
    answer["models"] = client.list_models()
    answer["good key"] = client.validate_api_key()
    forecasts = {
        "unknown": {"model": "nope"},
        "fine-tuning": {"finetune_steps": 3},
        "fine-tuned": {"finetuned_model_id": "a"},
        "date features": {"date_features": True},
        "contributions": {"date_features": True, "feature_contributions": True},
        "multivariate": {"multivariate": True},
        "parameters": {"model_parameters": {"a": 1}},
        "horizon": {"h": 5000},
        "level": {"level": [99.5]},
        "low level": {"level": [0.5]},
        "levels": {"level": list(range(50, 71))},
        "dates": {"model": "my steps"},
    }
    answer["refused"] = {
        name: refused(client.forecast, **(arguments | options))
        for name, options in forecasts.items()
    } | {
        "frequency": refused(
            client.forecast,
            df.assign(ds=pd.date_range("2024-01-01", periods=len(df), freq="h")),
            h=2,
            model="waves",
        ),
        "short": refused(client.cross_validation, df, h=30, n_windows=3, model="waves"),
        "step": refused(
            client.detect_anomalies_online,
            df,
            h=2,
            detection_size=6,
            step_size=3,
            model="waves",
        ),
        "finetune": refused(client.finetune, df, model="waves"),
        "usage": refused(client.usage),
        "jobs": refused(client.jobs.forecast, **arguments),
    }
    stubborn = NixtlaClient(base_url=url, api_key="any")
    answer["tries"] = watch(stubborn, lambda request: request.url.path)
    answer["refused"]["foreign"] = refused(
        stubborn.forecast, df, h=5, freq="D", model="other"
    )
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("nixtla").setLevel("CRITICAL")
    (ask_without_models if "zero_shot" in sys.argv else main)(sys.argv[1])
