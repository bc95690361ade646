"""Import contracts checked by import-linter, and the size of folders."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
PACKAGES = ("forecasting", "model_registry", "pipelines", "serving", "benchmarks")
MAX_FILES = 12  # of a folder, its __init__ aside


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT_IMPORTS), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_every_layer_keeps_to_the_layers_below_it() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages, in which a test may break a contract."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        copy_sources = shutil.ignore_patterns("__pycache__", "*.html", "*.lua")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=copy_sources)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("forecasting/data/panel.py", "import pipelines"),
        ("forecasting/pyfunc.py", "import mlflow"),
        ("forecasting/models/config.py", "import pydantic"),
        ("forecasting/data/panel.py", "import forecasting.io.panel"),
        ("forecasting/io/panel.py", "import forecasting.scaling.ets"),
        ("forecasting/training/recipe/config.py", "import forecasting.training.loop"),
        (
            "forecasting/training/engines/torch_engine.py",
            "import forecasting.training.engines.distributed",
        ),
        ("pipelines/jobs/train.py", "import serving"),
        ("pipelines/config/job.py", "import pipelines.jobs.train"),
        ("serving/service.py", "import pipelines"),
        ("model_registry/aliases.py", "import serving.masking"),
        ("serving/registry/poller.py", "import serving.service"),
        ("serving/api/v1/routes.py", "import serving.api.nixtla.routes"),
        ("serving/client/clients.py", "import serving.errors"),
        ("benchmarks/common/timing.py", "import benchmarks.load.servers"),
    ],
)
def test_an_import_against_the_layers_is_found(
    tree: Path, module: str, statement: str
) -> None:
    with (tree / module).open("a") as file:
        file.write(f"\n{statement}\n")

    result = lint_imports(tree)

    assert result.returncode == 1
    assert "BROKEN" in result.stdout


def test_a_folder_holds_at_most_twelve_files() -> None:
    names = [
        path.relative_to(ROOT).parent.as_posix()
        for folder in (*PACKAGES, "tests", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py"
    ]

    crowded = {name: n for name, n in Counter(names).items() if n > MAX_FILES}

    assert len(names) > 300
    assert crowded == {}
