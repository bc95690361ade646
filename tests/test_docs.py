"""What the documents show is what happens: their Python is run."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from pipelines.config.job import Job
from serving.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if "```python" in path.read_text(encoding="utf-8")
]
MODULES = [
    path
    for package in ("forecasting", "pipelines", "serving")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_the_python_in_a_document_runs_as_printed(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    document = Sybil([PythonCodeBlockParser()]).parse(path)

    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_the_examples_in_docstrings_run_as_printed(path):
    name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")

    results = doctest.testmod(import_module(name))

    assert results.attempted > 0
    assert results.failed == 0


def test_the_service_page_lists_every_setting_of_the_service():
    page = (ROOT / "docs" / "serving.md").read_text()

    names = [f"SERVING_{name.upper()}" for name in Settings.model_fields]

    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_settings_page_lists_every_key_of_the_job_file():
    page = (ROOT / "docs" / "settings.md").read_text()
    job = Job.model_validate({"name": "a", "data": {"path": "a.csv"}})

    keys = [
        key
        for section, plain in job.model_dump(mode="json").items()
        for key in (
            [f"{section}.{own}" for own in plain]
            if isinstance(plain, dict)
            else [section]
        )
    ]

    assert len(keys) > 40
    assert [key for key in keys if f"`{key}`" not in page] == []
