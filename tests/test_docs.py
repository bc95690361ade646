"""What the documents show is what happens: their Python is run."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

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
