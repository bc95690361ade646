import json
import os
import platform
import subprocess
import sys

import pytest
import torch

from forecasting.devices import (
    SMALL_HIDDEN,
    autocast,
    has_bfloat16,
    limit_threads,
    pick_device,
)
from forecasting.errors import SettingError
from forecasting.models.cells import CELLS
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork

CPU = torch.device("cpu")
needs_x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"),
    reason="the arithmetic of other processors cannot be restricted in this way",
)


def bfloat16_inside(context):
    with context:
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    return product.dtype == torch.bfloat16


def test_the_cpu_is_always_there():
    assert pick_device("cpu") == CPU


def test_auto_takes_the_cpu_where_nothing_faster_is():
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is something faster here")

    assert pick_device("auto") == CPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_auto_takes_a_cuda_device_where_there_is_one():
    assert pick_device("auto").type == "cuda"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(device):
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if available[device]:
        pytest.skip("it is there")

    with pytest.raises(
        SettingError, match=rf"device .* here \(.*cpu\); found '{device}'"
    ):
        pick_device(device)


def test_an_unknown_device_is_refused():
    with pytest.raises(SettingError, match="device must be auto or one that is here"):
        pick_device("tpu")


def test_bfloat16_is_used_where_it_is_asked_for():
    assert bfloat16_inside(autocast(CPU, "bfloat16", hidden_size=8, cell="gru"))


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_the_cpu_computes_in_float32_unless_told_otherwise(precision):
    assert not bfloat16_inside(autocast(CPU, precision, hidden_size=1024, cell="gru"))


@pytest.mark.parametrize("hidden_size", [1, 48])
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_has_bfloat16_where_a_network_of_it_can_be_trained(cell, hidden_size):
    model = RecurrentConfig(cell=cell, hidden_size=hidden_size, num_layers=2)
    network = RecurrentNetwork(model, seq_len=7, horizon=3)
    trained = True

    try:
        with torch.autocast("cpu", torch.bfloat16):
            loss = network(torch.ones(33, 7, 1)).float().sum()
        loss.backward()
    except RuntimeError:
        trained = False

    assert has_bfloat16("cpu", cell) == trained


def test_looking_for_bfloat16_leaves_no_trace():
    has_bfloat16.cache_clear()
    before = torch.get_rng_state()

    with torch.inference_mode():
        inside = has_bfloat16("cpu", "gru")

    has_bfloat16.cache_clear()
    assert torch.equal(torch.get_rng_state(), before)
    assert inside == has_bfloat16("cpu", "gru")


# Reports, for a processor without AVX-512, the cells that it trains in bfloat16, the
# refusal of the others, and whether models trained in bfloat16 elsewhere forecast as
# in float32.
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from forecasting import Forecaster, Panel, RecurrentConfig, TrainingConfig, WindowSpec
from forecasting.devices import has_bfloat16
from forecasting.errors import SettingError

values = (20 + 5 * np.sin(0.4 * np.arange(60))).tolist()
panel, report, folder = Panel.from_values({"a": values}), {}, Path(sys.argv[1])

def fit(precision, quantiles=()):
    model = RecurrentConfig(hidden_size=4, quantiles=quantiles)
    training = TrainingConfig(device="cpu", epochs=1, precision=precision)
    windows = WindowSpec(seq_len=6, horizon=2)
    return Forecaster(windows=windows, model=model, training=training).fit(panel)

report["cells"] = [cell for cell in ("rnn", "lstm", "gru", "mlp")
                   if has_bfloat16("cpu", cell)]
try:
    fit("bfloat16")
except SettingError as error:
    report["refused"] = str(error)
for name, quantiles in (("plain", ()), ("quantiles", (0.1, 0.9))):
    model = fit("auto", quantiles)
    expected = model.predict(levels=[80]).to_frame()
    model.save(folder / name)
    config = folder / name / "config.json"
    plain = json.loads(config.read_text())
    plain["training"]["precision"] = "bfloat16"
    config.write_text(json.dumps(plain))
    loaded = Forecaster.load(folder / name, device="cpu")
    forecast = loaded.predict(levels=[80]).to_frame()
    report[name] = bool((forecast == expected).all(axis=None))
print(json.dumps(report))
"""


@needs_x86
def test_a_processor_without_bfloat16_says_so_and_forecasts_all_the_same(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "cells": ["rnn", "gru", "mlp"],
        "refused": "precision must be auto or float32 for lstm networks on this cpu, "
        "which cannot train them in bfloat16; found 'bfloat16'.",
        "plain": True,
        "quantiles": True,
    }


def test_small_networks_get_one_thread_and_the_setting_comes_back():
    torch.set_num_threads(2)

    with limit_threads(CPU, SMALL_HIDDEN - 1):
        inside = torch.get_num_threads()

    after = torch.get_num_threads()
    torch.set_num_threads(1)
    assert (inside, after) == (1, 2)


def test_large_networks_keep_their_threads():
    torch.set_num_threads(2)

    with limit_threads(CPU, SMALL_HIDDEN):
        inside = torch.get_num_threads()

    torch.set_num_threads(1)
    assert inside == 2


def test_the_setting_comes_back_after_an_error():
    torch.set_num_threads(2)

    with pytest.raises(ZeroDivisionError), limit_threads(CPU, 8):
        1 / 0  # noqa: B018

    after = torch.get_num_threads()
    torch.set_num_threads(1)
    assert after == 2
