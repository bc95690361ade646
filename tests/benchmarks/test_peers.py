"""The command of the peers, in an environment without them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_folder_that_is_no_known_set_needs_its_shape(tmp_path):
    options = ["--data", tmp_path, "--method", "AutoETS", "--output", "f.csv"]
    command = [sys.executable, "-m", "benchmarks.peers", *map(str, options)]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert result.returncode == 2
    assert "is no known set: say --season-length and --horizon" in result.stderr
