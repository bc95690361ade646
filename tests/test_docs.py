"""What the documents show is what happens: their Python is run."""

import doctest
import io
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import mlflow
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from forecasting.evaluation.backtest import METRICS
from pipelines.__main__ import main
from pipelines.config.sequence_job import all_keys
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
    for package in ("forecasting", "model_registry", "pipelines", "serving")
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
    keys = all_keys()

    assert len(keys) > 40
    assert [key for key in keys if f"`{key}`" not in page] == []


TUTORIAL, ANSWERS = ROOT / "docs" / "tutorial.md", ROOT / "docs" / "answers.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8000"  # of the service, as the tutorial has it
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class PageRun:
    missing: list[str]  # lines that the page shows and no command printed
    recorded: set[str]  # names of what MLflow has of the last run


@pytest.fixture(scope="module")
def tutorial_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageRun]:
    with page_run(TUTORIAL, tmp_path_factory.mktemp("tutorial")) as run:
        yield run


@contextmanager
def page_run(page: Path, folder: Path) -> Iterator[PageRun]:
    """Run the commands of a page, in order, in a new folder."""
    uri = f"sqlite:///{folder}/mlflow.db"
    # A busy machine may take longer for a new store than a command waits for one.
    mlflow.MlflowClient(uri).search_experiments()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as services:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("COLUMNS", "80")
        patch.setenv("PATH", str(BIN), prepend=os.pathsep)
        patch.setenv("MLFLOW_EXPERIMENT_ID", "")  # MLflow sets it for child processes:
        patch.delenv("MLFLOW_EXPERIMENT_ID")  # so that it is gone again after the test
        address, missing = ADDRESS, []
        for commands, shown in page_blocks(page):
            if commands == "recast serve\n":
                address, printed = services.enter_context(running_service(folder))
            elif "curl" in commands and shutil.which("curl") is None:
                continue
            else:
                printed = run_block(commands.replace(ADDRESS, address))
            missing += missing_lines(shown.replace(ADDRESS, address), printed)
        yield PageRun(missing, recorded_names())


def page_blocks(page: Path) -> list[tuple[str, str]]:
    """Return each block of commands and the output shown below it, empty for none."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    following = [*blocks[1:], ("sh", "")]
    return [
        (text, after if kind == "text" else "")
        for (language, text), (kind, after) in zip(blocks, following, strict=True)
        if language == "sh"
    ]


def run_block(commands: str) -> str:
    """Run a block and return all that it printed; only an error shown may fail it.

    Commands of Recast run in this process, which saves its start; all else is the
    shell's.
    """
    script, lines = "", []
    for line in commands.replace("\\\n", " ").splitlines(keepends=True):
        if line.startswith("recast "):
            lines += [script] * bool(script) + [line]
            script = ""
        else:
            script += line
    lines += [script] * bool(script)
    return "".join(
        run_recast(line) if line.startswith("recast ") else run_shell(line)
        for line in lines
    )


def run_recast(command: str) -> str:
    output = io.StringIO()
    streams = redirect_stdout(output), redirect_stderr(output)
    with streams[0], streams[1], pytest.raises(SystemExit) as done:
        main(shlex.split(command)[1:])
    printed = output.getvalue()
    assert (done.value.code or 0) == (2 if "Error:" in printed else 0), printed
    return printed


def run_shell(script: str) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def running_service(folder: Path) -> Iterator[tuple[str, str]]:
    """Run ``recast serve`` on a free port; yield its address and its output."""
    with (folder / "service.log").open("w") as log:
        process = subprocess.Popen(
            [BIN / "recast", "serve", "--port", "0"],
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        try:
            assert process.stderr is not None
            printed = process.stderr.readline()  # it comes once the port is open
            address = re.search(r"http://(\S+)", printed)
            assert address is not None, printed
            yield address[1], printed
        finally:
            process.terminate()


def missing_lines(shown: str, printed: str) -> list[str]:
    """Return the lines shown that were not printed: words alike, numbers nearly so.

    ``...`` stands for any one word. Where a line was broken does not matter.
    """
    words = printed.split()
    missing = []
    for line in shown.splitlines():
        parts = line.split()
        starts = range(len(words) - len(parts) + 1)
        if not any(all(map(alike, parts, words[start:])) for start in starts):
            missing.append(line)
    return missing


def alike(shown: str, printed: str) -> bool:
    shown, printed = (word.strip('()[],:;%"') for word in (shown, printed))
    try:
        return math.isclose(float(shown), float(printed), rel_tol=0.1)
    except ValueError:
        return shown in (printed, "...")


def recorded_names() -> set[str]:
    """Return the names of metrics, parameters, tags and artifacts of the last run."""
    [run, *_] = mlflow.search_runs(search_all_experiments=True, output_format="list")
    list_artifacts = mlflow.MlflowClient().list_artifacts
    files = {
        file.path
        for folder in (None, "plots")
        for file in list_artifacts(run.info.run_id, folder)
    }
    return {*run.data.metrics, *run.data.params, *run.data.tags, *files}


def test_the_commands_of_the_tutorial_print_what_it_shows(tutorial_run):
    assert tutorial_run.missing == []


def test_the_example_of_what_answers_prints_what_it_shows(tmp_path):
    with page_run(ANSWERS, tmp_path) as run:
        assert run.missing == []


def test_what_the_tutorial_names_in_mlflow_is_recorded(tutorial_run):
    section = TUTORIAL.read_text(encoding="utf-8").split("## See the run")[1]
    names = re.findall(r"^\| `([^`]+)`", section.split("\n## ")[0], re.MULTILINE)

    assert len(names) > 5
    assert set(names) - tutorial_run.recorded == set()
