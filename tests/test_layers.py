"""Who may import whom: the contracts in pyproject.toml, checked by import-linter."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_every_layer_keeps_to_the_layers_below_it() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("package", "statement"),
    [
        ("forecasting", "import pipelines"),
        ("forecasting", "import mlflow"),
        ("forecasting", "import pydantic"),
        ("pipelines", "import serving"),
        ("serving", "import pipelines"),
        ("forecasting", "import benchmarks"),
    ],
)
def test_an_import_against_the_layers_is_found(
    tmp_path: Path, package: str, statement: str
) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("forecasting", "pipelines", "serving", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    for name in ("benchmarks/peers.py", "benchmarks/peer_training.py"):
        (tmp_path / name).touch()
    (tmp_path / "serving" / "client.py").touch()
    (tmp_path / package / "__init__.py").write_text(f"{statement}\n")

    result = lint_imports(tmp_path)

    assert result.returncode == 1
    assert "BROKEN" in result.stdout
