"""What the documents show is what happens: their Python is run."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from forecasting.backtesting import METRICS
from pipelines.job import Job
from serving.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if "```python" in path.read_text(encoding="utf-8")
]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
PAGES.append(ROOT / "mlflow" / "README.md")
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
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


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_the_links_of_a_page_lead_to_files_and_headings_that_exist(page):
    broken = []
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        aim = (page.parent / target).resolve() if target else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(f"{target}#{anchor}")

    assert broken == []


def test_the_index_of_the_documentation_lists_every_page():
    index = ROOT / "docs" / "README.md"

    pages = {page.name for page in ROOT.glob("docs/*.md")} - {"README.md"}

    assert pages - {target for target, _ in LINK.findall(index.read_text())} == set()


def test_the_glossary_explains_every_figure_of_the_leaderboard():
    headings = anchors(ROOT / "docs" / "glossary.md")

    figures = {*METRICS, "skill", "coverage", "msis", "interval-width"}

    assert figures - headings == set()


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
