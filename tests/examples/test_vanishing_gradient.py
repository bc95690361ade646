"""The example script that draws the vanishing gradient."""

import subprocess
import sys
from pathlib import Path

from matplotlib.image import imread

EXAMPLE = Path(__file__).parents[2] / "examples" / "vanishing_gradient.py"


def test_the_picture_shows_three_cells_on_two_tasks(tmp_path):
    path = tmp_path / "picture.png"

    done = subprocess.run(
        [sys.executable, EXAMPLE, path, "1"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    printed = [line.split()[:2] for line in done.stdout.splitlines()]
    cells = ["rnn", "lstm", "gru"]
    assert printed == [[name, cell] for name in ("Sunspots", "echo") for cell in cells]
    assert imread(path).shape == (572, 1100, 4)
