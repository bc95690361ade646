"""The example script that draws the vanishing gradient."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
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


def test_the_default_file_is_no_file_of_the_repository():
    spec = spec_from_file_location("vanishing_gradient", EXAMPLE)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    path = signature(module.main).parameters["path"].default

    assert path == Path("vanishing-gradient.png")
    ignored = (EXAMPLE.parents[1] / ".gitignore").read_text().splitlines()
    assert f"/{path}" in ignored
