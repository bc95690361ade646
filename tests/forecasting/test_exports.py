import ast
import subprocess
import sys
from pathlib import Path

import pytest

import forecasting


@pytest.mark.parametrize("name", forecasting.__all__)
def test_every_public_name_is_there(name):
    assert getattr(forecasting, name).__name__ == name


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(forecasting.__file__).read_text())

    names = [
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    ]

    assert sorted(names) == forecasting.__all__


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'Prophet'"):
        _ = forecasting.Prophet


def test_importing_the_package_does_not_wait_for_torch():
    code = "import sys, forecasting.errors; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
