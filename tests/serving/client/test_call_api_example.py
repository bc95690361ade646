"""The example program prints forecasts and errors of a running service."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "call_api.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, EXAMPLE, *arguments],
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_the_example_prints_a_forecast(service):
    done = run(service.url, "waves")

    assert done.returncode == 0, done.stderr
    assert "waves, version 1, trained until 2024-03-20T00:00:00" in done.stdout
    assert "2024-03-21T00:00:00" in done.stdout
    assert "after 6 values of my own: " in done.stdout


def test_the_example_says_what_the_service_says(service):
    done = run(service.url, "wave")

    assert done.returncode == 1
    assert "There is no model 'wave'" in done.stderr


def test_the_example_says_that_nobody_answers(free_port):
    done = run(f"http://127.0.0.1:{free_port}")

    assert "does not answer" in done.stderr
