import os
import subprocess
import sys

import pytest

# One training in a new process with an empty Numba cache.
PROGRAM = """
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.training import TrainingConfig
from forecasting.training.engines.base import choose_engine
from forecasting.kernels.compilation import is_compiled

def chosen(steps, members=1):
    network = RecurrentNetwork(RecurrentConfig(), seq_len=5, horizon=2)
    return choose_engine([network] * members, TrainingConfig(device="cpu"), steps)

print(is_compiled(), chosen(100), chosen(100_000), chosen(1000, members=100))
"""
COMPILED = """
from forecasting.kernels.compilation import is_compiled
print(is_compiled())
"""
COLD = "False torch fused fused"
WARM = "True fused fused fused"


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
