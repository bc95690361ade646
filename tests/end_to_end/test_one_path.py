"""A forecast is the same from arrays, library, pyfunc and REST, and as a naive loop.

The naive loop goes over series, steps and levels one by one, with torch's modules and
formulas written out here; it shares with the library the fitted statistics, the table
of the intervals and the weights alone.
"""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from statistics import NormalDist

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting import (
    Forecaster,
    Panel,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
)
from forecasting.forecaster.history import Histories
from forecasting.pyfunc import PyfuncForecaster
from forecasting.scaling.normalization import Normalizer
from forecasting.scaling.window_scaling import EtsStates
from forecasting.selection.guard import RUNGS
from forecasting.selection.zero_shot import ZeroShotGain
from forecasting.zeroshot import zero_shot

SEQ_LEN, HORIZON, SEASON = 6, 3, 4
LEVELS = (50.0, 80.0, 95.0)
RUNG_CYCLE = ("last_value", "seasonal_naive", "linear", "halfway", "network")
COVARIATE_NAMES = {"past": "visits", "known": "price", "static": "kind"}

# By name: settings of the model; whether it has covariates; number of series.
MODELS = {
    "none": ({"normalization": "none", "cell": "rnn"}, False, 3),
    "standard": ({"normalization": "standard"}, True, 3),
    "minmax": ({"normalization": "minmax", "strategy": "seq2seq"}, False, 3),
    "robust": ({"normalization": "robust", "num_layers": 2}, False, 1),
    "last": ({"normalization": "last", "members": 2, "cell": "gru"}, False, 3),
    "mean": ({"normalization": "mean", "strategy": "recursive"}, False, 3),
    "window": ({"normalization": "window", "guard": True}, False, 6),
    "log": ({"normalization": "log", "patch_len": 3}, False, 3),
    "ets": ({"normalization": "ets", "guard": True}, False, 3),
    "log_ets": ({"normalization": "log_ets", "quantiles": (0.1, 0.9)}, True, 3),
    "zero_shot": ({"normalization": "last", "guard": True}, False, 3),
    "quantiles": (
        {"normalization": "last", "quantiles": (0.1, 0.9), "members": 3},
        False,
        3,
    ),
}


def make_values(length, seed):
    steps, rng = np.arange(length), np.random.default_rng(seed)
    return 20 + 4 * np.sin(steps * np.pi / 2 + seed) + rng.normal(0, 0.7, length)


def make_panel(series, *, covariates, ahead):
    """Return a panel of series, with covariates up to ``ahead`` steps after it."""
    if not covariates:
        return Panel.from_values(series)
    sizes = {name: len(values) for name, values in series.items()}
    return Panel.from_values(series, **covariates_of(sizes, ahead))


def covariates_of(sizes, ahead):
    draw = {n: np.random.default_rng(len(n) + size) for n, size in sizes.items()}
    return {
        "past_covariates": {
            "visits": {
                n: draw[n].normal(size=size).tolist() for n, size in sizes.items()
            }
        },
        "known_covariates": {
            "price": {
                n: draw[n].normal(size=size + ahead).tolist()
                for n, size in sizes.items()
            }
        },
        "static_covariates": {
            "kind": {n: "xyz"[size % 3] for n, size in sizes.items()}
        },
    }


def fit(name):
    options, covariates, count = MODELS[name]
    series = {f"s{i}": make_values(60 - 5 * i, i) for i in range(count)}
    forecaster = Forecaster(
        windows=WindowSpec(seq_len=SEQ_LEN, horizon=HORIZON),
        model=RecurrentConfig(
            **{"hidden_size": 4, "season_length": SEASON, "guard": False, **options}
        ),
        training=TrainingConfig(epochs=2, device="cpu"),
    ).fit(make_panel(series, covariates=covariates, ahead=HORIZON))
    guard = forecaster.trained.guard
    if name == "zero_shot":
        guard = guard.with_zero_shot(ZeroShotGain(1.0, 2.0))
        forecaster.trained = replace(forecaster.trained, guard=guard)
    elif guard is not None:  # every rung answers for some series
        rungs = [name for name in RUNG_CYCLE if name != "linear" or count > 3]
        by_series = np.array([RUNGS.index(rungs[i % len(rungs)]) for i in range(count)])
        guard = replace(guard, by_series=by_series, default=RUNGS.index("halfway"))
        forecaster.trained = replace(forecaster.trained, guard=guard)
    return forecaster


@contextmanager
def service(folder, port):
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "serving", "--port", str(port)]
    with (folder / "service.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=180) as client:
            yield client
    finally:
        process.terminate()
        process.wait(timeout=180)


def wait_until_ready(client):
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(base_url=client.base_url, transport=transport) as patient:
        for _ in range(1800):
            try:
                if patient.get("/readyz").json().get("state") == "ready":
                    return
            except httpx.TransportError:
                pass
    raise AssertionError("the service did not become ready")


@pytest.fixture(scope="module")
def models():
    return {name: fit(name) for name in MODELS}


@pytest.fixture(scope="module")
def rest(models, tmp_path_factory, free_tcp_port_factory):
    """Register all models and serve them; yield a client."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        client = mlflow.MlflowClient()
        for name, forecaster in models.items():
            forecaster.save(folder / name / "data")
            mlflow.pyfunc.save_model(
                folder / name / "version",
                loader_module="forecasting.pyfunc",
                data_path=str(folder / name / "data"),
                pip_requirements=["torch"],
            )
            client.create_registered_model(name)
            source = (folder / name / "version").as_uri()
            client.create_model_version(name, source)
            client.set_registered_model_alias(name, "champion", "1")
        with service(folder, free_tcp_port_factory()) as client:
            wait_until_ready(client)
            yield client


def naive_forecast(forecaster, panel, row, steps):
    """Forecast one series; return points ``(steps,)`` and bounds by level."""
    fitted = forecaster.trained
    name = panel.series_ids[row]
    begin, end = panel.offsets[row], panel.offsets[row + 1]
    observed = panel.values[begin:end]
    places = list(fitted.context.series_ids)
    place = 0 if len(places) == 1 else places.index(name) if name in places else None
    method = fitted.normalizer.method
    shown = naive_range(fitted, observed, place)
    statistics = (
        Normalizer.fit(Panel.from_values({name: observed}), method, seq_len=SEQ_LEN)
        if place is None
        else fitted.normalizer.select(np.array([place]))
    )
    u = list(statistics.scale_values(observed[None])[0])
    first = naive_window(u, method)
    memory = len(observed) if "ets" in method else max(SEQ_LEN, SEASON)
    positive = fitted.non_negative and observed[-memory:].min() >= 0

    def unscale(scaled):
        values = statistics.unscale(np.array([scaled]))[0]
        return np.maximum(values, 0) if positive else values

    points = []
    while len(points) < steps:
        window = naive_window(u, method)
        covariates = naive_covariates(forecaster, panel, row, len(points))
        z = naive_pass(fitted, window, covariates, place)
        u += list(z * window["size"] + window["base"])
        free = unscale(u[-HORIZON:])
        limited = [
            naive_limit(x, shown, 1, len(points) + k) for k, x in enumerate(free)
        ]
        if limited != list(free):
            u[-HORIZON:] = statistics.scale_values(np.array([limited]))[0]
        points += limited
    points = naive_zero_shot(fitted, observed, np.array(points[:steps]))
    table, bounds = fitted.intervals, {}
    spread = None
    if fitted.networks[0].config.quantiles:
        spread = naive_spread(
            fitted, first, naive_covariates(forecaster, panel, row, 0)
        )
    changes = np.diff(first["inputs"])
    volatility = np.array([np.sqrt(np.mean(changes**2))])
    factor = table.scaling.sizes(volatility)[0] if table.scaling.exponent else 1.0
    for level in LEVELS:
        pair = []
        for offsets, worst in zip(
            table.offsets(level, steps), (np.minimum, np.maximum), strict=True
        ):
            errors = offsets * factor
            if spread is not None:
                errors = np.array(
                    [naive_error(e, spread, k) for k, e in enumerate(errors)]
                )
            bound = naive_bound(statistics, table.relative, points, errors, first)
            bound = np.maximum(bound, 0) if positive else bound
            bound = [naive_limit(x, shown, 2, k) for k, x in enumerate(bound)]
            pair.append(worst(bound, points))
        bounds[level] = pair
    return points, bounds


def naive_zero_shot(fitted, observed, points):
    """Return the zero-shot forecast if it answers, else the points."""
    if fitted.guard is None or not fitted.guard.uses_zero_shot:
        return points
    panel, steps = Panel.from_values({"a": observed}), max(len(points), HORIZON)
    forecast = zero_shot(panel, horizon=steps, season_length=SEASON)
    return forecast.points[0, : len(points)]


def naive_bound(statistics, relative, points, errors, window):
    if relative:
        slope = statistics.scale[0] * (points + statistics.shift[0])
        return points + errors * window["size"] * slope
    scaled = statistics.scale_values(points[None])[0]
    return statistics.unscale((scaled + errors * window["size"])[None])[0]


def naive_range(fitted, observed, place):
    """Return lowest and highest value, number of observations, and growth per step."""
    if place is None:
        half = len(observed) // 2
        means = np.log(observed[:half]).mean(), np.log(observed[half:]).mean()
        growth = max(means[1] - means[0], 0) / (len(observed) / 2)
        return min(observed), max(observed), len(observed), growth
    shown = fitted.shown
    lowest, highest = shown.lowest[place], shown.highest[place]
    memory = len(observed) if "ets" in fitted.method else max(SEQ_LEN, SEASON)
    recent = observed[-memory:]
    length = max(shown.lengths[place], len(observed))
    return min(lowest, *recent), max(highest, *recent), length, shown.growth[place]


def naive_limit(value, shown, reach, step):
    lowest, highest, length, growth = shown
    beyond = reach * (highest - lowest) * (1 + (step + 1) / length)
    above = (highest + beyond) * np.exp(growth * (step + 1))
    return min(max(value, lowest - beyond), above)


def naive_window(u, method):
    """Return the scaled window at the end of ``u``, its base, size and last season."""
    padded = [u[0]] * max(SEASON - len(u), 0) + u
    recent = np.array(padded[-SEASON:])
    if "ets" in method:
        states = EtsStates.fit(
            np.array(u), np.array([0, len(u)]), season_length=SEASON, horizon=HORIZON
        )
        frame = states.frame(torch.tensor([0]), torch.tensor([len(u)]), SEQ_LEN)
        inputs, base, size = (part[0].double().numpy() for part in frame[:3])
        return {"inputs": inputs, "base": base, "size": size[0], "recent": recent}
    window = np.array(u[-SEQ_LEN:])
    level = {"last": window[-1], "log": window[-1]}.get(method, 0.0)
    level = window.mean() if method in ("mean", "window") else level
    size = np.sqrt(window.var() + 1e-6) if method == "window" else 1.0
    return {
        "inputs": (window - level) / size,
        "base": level,
        "size": size,
        "recent": recent,
    }


def naive_covariates(forecaster, panel, row, first):
    """Return the encoded covariates of one pass, ``(seq_len + horizon, columns)``."""
    covariates = forecaster.trained.covariates
    if not covariates:
        return None
    begin, end = panel.offsets[row], panel.offsets[row + 1]
    columns = {}
    for name, role in panel.roles.items():
        column = list(panel.covariates[name][begin:end])
        reach = len(column)
        if role == "known":
            future = panel.future[name]
            column += list(future.values[future.offsets[row] : future.offsets[row + 1]])
            reach = min(len(column), reach + panel_steps(panel))
        steps = range(first - SEQ_LEN, first + HORIZON)
        size = end - begin
        picked = [column[min(max(size + s, 0), reach - 1)] for s in steps]
        dtype = object if isinstance(picked[0], str) else float
        columns[name] = np.array(picked, dtype=dtype)[None]
    return covariates.encode(columns, np.zeros((1, SEQ_LEN + HORIZON)))


def panel_steps(panel):
    return int(panel.future["price"].lengths.min())


def naive_inputs(window, covariates):
    inputs = torch.tensor(window["inputs"], dtype=torch.float32)[None, :, None]
    if covariates is None:
        return inputs
    ahead = torch.zeros(1, HORIZON, 1)
    return torch.cat([torch.cat([inputs, ahead], 1), covariates], 2)


@torch.no_grad()
def naive_pass(fitted, window, covariates, place):
    """Return z of one pass, ``(horizon,)``: the median of the networks, guarded."""
    inputs = naive_inputs(window, covariates)
    members = [network(inputs)[0].double().numpy() for network in fitted.networks]
    network, guard = np.median(members, axis=0), fitted.guard
    if guard is None:
        return network
    rung = RUNGS[guard.default if place is None else guard.by_series[place]]
    smoothed = "ets" in fitted.normalizer.method
    linear = guard.linear.forecast(inputs)[0].numpy()
    basis = np.zeros(HORIZON) if smoothed else linear
    season = window["recent"][np.arange(HORIZON) % SEASON]
    return {
        "last_value": (window["recent"][-1] - window["base"]) / window["size"],
        "seasonal_naive": (season - window["base"]) / window["size"],
        "linear": linear,
        "halfway": (basis + network) / 2,
        "network": network,
        "zero_shot": network,  # replaced by `naive_forecast`
    }[rung] * np.ones(HORIZON)


@torch.no_grad()
def naive_spread(fitted, window, covariates):
    inputs = naive_inputs(window, covariates)
    members = [n.forward_quantiles(inputs)[0].double() for n in fitted.networks]
    quantiles = np.median(np.array([m.numpy() for m in members]), axis=0)
    middle = fitted.networks[0].config.quantiles.index(0.5)
    return fitted.networks[0].config.quantiles, quantiles - quantiles[:, [middle]]


def naive_error(score, spread, step):
    """Return the error with a score: linear between the quantiles and beyond them."""
    probabilities, offsets = spread
    knots = [NormalDist().inv_cdf(p) for p in probabilities]
    row = offsets[min(step, HORIZON - 1)]
    left = max(sum(score >= knot for knot in knots[1:-1]), 0)
    slope = (row[left + 1] - row[left]) / (knots[left + 1] - knots[left])
    return row[left] + (score - knots[left]) * slope


def from_arrays(forecaster, panel, steps):
    """Forecast through `Predictor`; models without covariates alone."""
    lists = [panel.series(name).tolist() for name in panel.series_ids]
    places = forecaster.trained.find_places(panel.series_ids)
    histories = Histories.from_lists(lists, places)
    points, bounds = forecaster.predictor.forecast(
        histories, steps=steps, levels=LEVELS
    )
    return points, np.array(bounds)


def from_library(forecaster, panel, steps):
    forecast = forecaster.predict(panel, horizon=steps, levels=LEVELS)
    pairs = [*forecast.intervals.values()]
    return forecast.points, np.array([*(p[0] for p in pairs), *(p[1] for p in pairs)])


def from_pyfunc(forecaster, panel, steps):
    frames = []
    for row, name in enumerate(panel.series_ids):
        begin, end = panel.offsets[row], panel.offsets[row + 1]
        future = 0
        columns = {"target": list(panel.values[begin:end])}
        for column, role in panel.roles.items():
            columns[column] = list(panel.covariates[column][begin:end])
            if role == "known":
                ahead = panel.future[column]
                more = ahead.values[ahead.offsets[row] : ahead.offsets[row + 1]]
                columns[column] += list(more)
                future = len(more)
        for column in columns:
            last = np.nan if column == "target" else columns[column][-1]
            missing = end - begin + future - len(columns[column])
            blank = last if panel.roles.get(column) == "static" else np.nan
            columns[column] += [blank] * missing
        frames.append(pd.DataFrame({"series_id": name, **columns}))
    table = PyfuncForecaster(forecaster).predict(
        pd.concat(frames, ignore_index=True),
        {"horizon": steps, "levels": list(LEVELS)},
    )
    shape = (len(panel), steps)
    sides = [f"{side}_{level:g}" for side in ("lower", "upper") for level in LEVELS]
    bounds = [table[side].to_numpy().reshape(shape) for side in sides]
    return table["point"].to_numpy().reshape(shape), np.array(bounds)


def from_rest(client, name, series, steps, extra):
    body = {
        "series": [
            {"id": key, "values": values.tolist()}
            | {
                role: {c: by_series[key] for c, by_series in columns.items()}
                for role, columns in extra.items()
            }
            for key, values in series.items()
        ],
        "horizon": steps,
        "levels": list(LEVELS),
    }
    answer = client.post(f"/v1/models/{name}/forecast", json=body)
    assert answer.status_code == 200, answer.text
    forecasts = answer.json()["forecasts"]
    bounds = [
        [forecast["intervals"][f"{level:g}"][side] for forecast in forecasts]
        for side in ("lower", "upper")
        for level in LEVELS
    ]
    return np.array([f["point"] for f in forecasts]), np.array(bounds)


panels = st.dictionaries(
    st.sampled_from(["s0", "s1", "s2", "s3", "s4", "s5", "new", "other", "more"]),
    st.tuples(st.integers(SEQ_LEN, 40), st.integers(0, 99)),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes=panels, steps=st.integers(1, 8))
def test_all_paths_give_the_forecasts_of_a_naive_loop(
    models, rest, name, shapes, steps
):
    forecaster, has_covariates = models[name], MODELS[name][1]
    steps = min(steps, HORIZON) if has_covariates else steps
    series = {key: make_values(*shape) for key, shape in shapes.items()}
    panel = make_panel(series, covariates=has_covariates, ahead=steps)
    sizes = {key: len(values) for key, values in series.items()}
    extra = covariates_of(sizes, steps) if has_covariates else {}
    rows = [naive_forecast(forecaster, panel, i, steps) for i in range(len(panel))]
    points = np.array([point for point, _ in rows])
    bounds = np.array(
        [[by[level][side] for _, by in rows] for side in (0, 1) for level in LEVELS]
    )

    results = {
        "library": from_library(forecaster, panel, steps),
        "pyfunc": from_pyfunc(forecaster, panel, steps),
        "rest": from_rest(rest, name, series, steps, extra),
    }
    if not has_covariates:
        results["arrays"] = from_arrays(forecaster, panel, steps)

    for path, (path_points, path_bounds) in results.items():
        tolerance = {"rtol": 2e-4, "atol": 1e-4, "err_msg": path}
        np.testing.assert_allclose(path_points, points, **tolerance)
        np.testing.assert_allclose(path_bounds, bounds, **tolerance)
    for path in ("pyfunc", "rest"):  # the same code: float32 rounding at most
        np.testing.assert_allclose(
            results[path][0], results["library"][0], rtol=1e-5, err_msg=path
        )
