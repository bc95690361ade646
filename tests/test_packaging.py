"""Packages, pins, images and configuration files around the code."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
JOBS = sorted((ROOT / "jobs").glob("*.yaml"))
PINS = [
    line
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def python(*arguments: str) -> str:
    """Run Python in the repository root, as a user would, and return its output."""
    command = [sys.executable, *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def direct_dependencies() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = project["build-system"]["requires"] + project["project"]["dependencies"]
    for extra in project["project"]["optional-dependencies"].values():
        lines += extra
    requirements = map(Requirement, lines)
    project_name = project["project"]["name"]
    return [line for line in requirements if line.name != project_name]


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(
        (ROOT / "mlflow" / "compose.yaml").read_text()
    )
    return content


# The folder mlflow/ and the package mlflow.


def test_from_the_repository_root_mlflow_is_the_installed_library() -> None:
    code = "import importlib.util as u; print(u.find_spec('mlflow').origin)"

    origin = Path(python("-c", code).strip())

    assert origin.name == "__init__.py"
    assert "site-packages" in origin.parts


def test_the_folder_mlflow_holds_no_python() -> None:
    assert not list((ROOT / "mlflow").rglob("*.py"))


def test_the_wheel_holds_the_four_packages_and_no_more(tmp_path: Path) -> None:
    python("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))

    [wheel] = tmp_path.glob("*.whl")
    files = ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in files}
    packages = {name for name in folders if not name.endswith(".dist-info")}
    assert packages == {"forecasting", "model_registry", "pipelines", "serving"}
    assert "forecasting/weights/season_12/model.safetensors" in files
    for part in ("templates/page.html", "static/main.js", "texts/de.json"):
        assert f"serving/page/{part}" in files
    assert {"serving/page/vendor/uplot/LICENSE"} <= set(files)


# constraints.txt


def test_a_pin_is_one_exact_version_without_label_or_address() -> None:
    pin = re.compile(r"[a-z0-9-]+==[0-9][a-z0-9.]*")

    others = [line for line in PINS if not pin.fullmatch(line)]

    assert PINS
    assert not others


def test_no_package_is_pinned_twice() -> None:
    names = [pin.split("==")[0] for pin in PINS]

    assert names == list(dict.fromkeys(names))


@pytest.mark.parametrize(
    "requirement", direct_dependencies(), ids=lambda requirement: requirement.name
)
def test_a_direct_dependency_is_pinned_within_its_range(
    requirement: Requirement,
) -> None:
    pins = dict(pin.split("==") for pin in PINS)

    version = pins[canonicalize_name(requirement.name)]

    assert version in requirement.specifier


# Images and containers


def test_the_dockerfile_has_an_image_for_jobs_service_and_tracking() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    targets = set(re.findall(r"^FROM (?:runtime|compiled) AS (\w+)$", dockerfile, re.M))

    assert targets == {"compiled", "jobs", "service", "tracking"}


def test_no_image_runs_as_root() -> None:
    _, runtime = (ROOT / "Dockerfile").read_text().split(" AS runtime\n")

    users = re.findall(r"^USER (.+)$", runtime, re.MULTILINE)

    assert users == ["1000:1000"]


def test_what_an_image_is_built_from_exists() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [line.removeprefix("!") for line in lines if line.startswith("!")]

    missing = [path for path in copied if not (ROOT / path).exists()]

    assert copied
    assert not missing


def test_every_container_that_is_built_has_its_target_in_the_dockerfile() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    for service in compose()["services"].values():
        if "build" in service:
            assert f" AS {service['build']['target']}\n" in dockerfile


def test_the_compose_file_holds_no_password_and_has_no_default_for_one() -> None:
    settings = {
        key: value
        for service in compose()["services"].values()
        for key, value in service.get("environment", {}).items()
        if "PASSWORD" in key
    }

    assert settings
    assert set(settings.values()) == {"${POSTGRES_PASSWORD:?set it in mlflow/.env}"}
    assert "\nPOSTGRES_PASSWORD=\n" in (ROOT / "mlflow" / ".env.example").read_text()


def test_the_environment_example_names_every_setting_of_the_compose_file() -> None:
    used = re.findall(r"\$\{(\w+)", (ROOT / "mlflow" / "compose.yaml").read_text())
    example = (ROOT / "mlflow" / ".env.example").read_text()

    named = re.findall(r"^(\w+)=", example, re.MULTILINE)

    assert set(named) == set(used)


def test_the_containers_open_ports_on_this_machine_only() -> None:
    services = compose()["services"].values()

    ports = [port for service in services for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_containers_mount_exists() -> None:
    services = compose()["services"].values()
    volumes = [path for service in services for path in service.get("volumes", [])]

    folders = [volume.split(":")[0] for volume in volumes if volume.startswith(".")]

    assert folders
    assert all((ROOT / "mlflow" / folder).is_dir() for folder in folders)


# Jobs and make


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_job_file_names_columns_that_its_data_have(path: Path) -> None:
    data = yaml.safe_load(path.read_text())["data"]

    with (path.parent / data.pop("path")).open() as file:
        columns = file.readline().strip().split(",")

    roles = [[role] if isinstance(role, str) else role for role in data.values()]
    named = {name for names in roles for name in names}
    assert len(named) >= 2
    assert named <= set(columns)


def test_every_bundled_series_has_a_job() -> None:
    jobs = [yaml.safe_load(path.read_text()) for path in JOBS]

    used = {(ROOT / "jobs" / job["data"]["path"]).resolve() for job in jobs}

    assert used == {path.resolve() for path in (ROOT / "data").glob("*.csv")}


def test_make_help_names_every_target() -> None:
    [phony] = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M)

    result = subprocess.run(
        ["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True
    )

    assert re.findall(r"^make (\S+)", result.stdout, re.MULTILINE) == phony.split()
