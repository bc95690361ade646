import os
import subprocess
import sys

import pytest

# One training in a new process with an empty Numba cache.
PROGRAM = """
import time, torch
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.regressors.rows import RowBatches
from forecasting.training import TrainingConfig, train
from forecasting.training.engines.base import make_engine
from forecasting.kernels.compilation import is_compiled
from forecasting.training.recipe.schedule import step_rates

def chosen(steps, num_trainings=1):
    network = RecurrentNetwork(RecurrentConfig(), seq_len=5, horizon=2)
    config = TrainingConfig(device="cpu")
    rates = step_rates(steps, config)
    engine = make_engine(network, config, *rates, num_trainings=num_trainings)
    return type(engine).__name__

print(is_compiled(), chosen(100), chosen(100_000), chosen(1000, num_trainings=100))
"""
COMPILED = """
from forecasting.kernels.compilation import is_compiled
print(is_compiled())
"""
COLD = "False TorchEngine CompiledEngine CompiledEngine"
WARM = "True CompiledEngine CompiledEngine CompiledEngine"


def run(folder, *command, **environment):
    process = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.strip() + process.stderr.strip()


@pytest.mark.slow
def test_short_trainings_do_not_wait_for_a_compiler(tmp_path):
    before = run(tmp_path, "-c", PROGRAM)
    output = run(tmp_path, "-m", "forecasting.training")
    after = run(tmp_path, "-c", PROGRAM)
    elsewhere = run(tmp_path, "-c", COMPILED, NUMBA_CPU_NAME="another")

    assert (before, output, after) == (COLD, "", WARM)
    assert elsewhere == "False"  # what one processor compiled is not for all
