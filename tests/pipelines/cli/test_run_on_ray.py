"""The option ``--ray`` where Ray is not asked for, not installed or not there."""

import importlib.util
import subprocess
import sys

import pytest

HAS_RAY = importlib.util.find_spec("ray") is not None


def test_ray_is_imported_only_when_it_is_asked_for(workplace, daily_csv):
    daily_csv("sales.csv", 60)
    code = """
import sys
from pipelines.__main__ import main
sys.modules["ray"] = None  # importing it is an error
for line in ("--help", "run --help", "run sales.csv --epochs 1"):
    try:
        main(line.split())
    except SystemExit as end:
        assert not end.code, end.code
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "sales" in done.stdout


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
@pytest.mark.parametrize("command", ["run", "tune"])
def test_without_ray_its_option_names_the_package(
    workplace, daily_csv, recast, command
):
    daily_csv("sales.csv", 60)

    result = recast(command, "sales.csv", "--ray", "local")

    assert result.code == 2
    assert "pip install 'recast-forecasting[ray]'" in result.err
