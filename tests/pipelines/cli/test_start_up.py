"""What a command imports before it answers: as little as its answer needs."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "mlflow", "pandas", "numpy", "matplotlib", "optuna", "scipy", "numba")
CODE = """
import sys
from pipelines.__main__ import main
try:
    main(sys.argv[1:])
finally:
    heavy = {names}
    print("imported:", *[name for name in heavy if name in sys.modules])
"""


def imported(folder, *arguments: str, heavy: tuple[str, ...] = HEAVY) -> list[str]:
    """Run a command in a new process; return the packages that it imported."""
    code = CODE.format(names=heavy)
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    [line] = [row for row in done.stdout.splitlines() if row.startswith("imported:")]
    return line.split()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("train", "--help"),
        ("train", "sales.csv", "--horizn", "3"),
        ("train", "sales.csv", "--horizon", "three"),
        ("learn", "sales.csv"),
        ("train", "missing.csv"),
        ("train", "missing.yaml"),
        ("inspect", "missing.csv"),
        ("forecast", "sales", "--data", "missing.csv"),
        ("forecast", "missing.csv"),
        ("forecast", "sales", "--output", "missing/forecast.csv"),
        ("forecast", "sales", "--output", "forecast.doc"),
        ("explain", "sales", "--data", "missing.csv"),
    ],
    ids=" ".join,
)
def test_help_and_mistyped_commands_import_no_large_package(tmp_path, arguments):
    assert imported(tmp_path, *arguments) == []


@pytest.mark.parametrize("command", ["train", "compare", "backtest", "tune", "inspect"])
def test_an_open_question_about_a_file_waits_for_no_network(tmp_path, command):
    rows = "day,a,b\n2024-01-01,1,2\n2024-01-02,2,3\n"
    (tmp_path / "open.csv").write_text(rows)

    names = imported(tmp_path, command, "open.csv")

    assert set(names) <= {"pandas", "numpy"}


def test_a_listing_of_models_imports_no_network(shared_workplace):
    names = imported(shared_workplace, "models", heavy=("torch", "matplotlib", "numba"))

    assert names == []


def test_a_forecast_of_a_file_imports_neither_the_registry_nor_plots(tmp_path):
    heavy = ("mlflow", "sqlalchemy", "matplotlib", "sklearn", "optuna", "fastapi")
    values = "".join(f"2024-01-{day:02d},{day % 7}\n" for day in range(1, 29))
    (tmp_path / "sales.csv").write_text(f"day,sales\n{values}")

    assert imported(tmp_path, "forecast", "sales.csv", heavy=heavy) == []
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]
