"""Names and docstrings use the words of the field: a lint over the syntax tree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "forecasting",
    "model_registry",
    "pipelines",
    "serving",
    "benchmarks",
    "examples",
)
PRONOUNS = re.compile(r"\b(what|who|whose|whom)\b", re.IGNORECASE)
VAGUE = frozenset(
    (
        *("own", "found", "made", "told", "asked", "kept", "given", "known", "there"),
        *("here", "said", "most", "least", "taken", "wanted", "held"),
    )
)
MAX_DOCSTRING_SHARE = 0.01
MAX_NAME_SHARE = 0.005

Place = tuple[str, int, str]  # file, line, text


def parse(folders: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def first_lines(name: str, tree: ast.Module) -> Iterator[Place]:
    """Yield the first line of each docstring."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            line = getattr(node, "lineno", 1)
            yield name, line, text.partition("\n")[0]


def variables(name: str, tree: ast.Module) -> Iterator[Place]:
    """Yield each argument, and each place where a variable or attribute is bound."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield name, node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield name, node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield name, node.lineno, node.attr


def is_vague(variable: str) -> bool:
    return variable.strip("_").lower() in VAGUE


def shown(places: list[Place]) -> str:
    return "\n".join(f"{name}:{line}: {text}" for name, line, text in places)


def test_first_docstring_lines_name_things_instead_of_asking_what_or_who() -> None:
    lines = [place for file in parse(PACKAGES) for place in first_lines(*file)]

    refused = [place for place in lines if PRONOUNS.search(place[2])]

    assert len(lines) > 1000
    assert len(refused) < MAX_DOCSTRING_SHARE * len(lines), shown(refused)


def test_variables_are_nouns_and_not_pronouns_or_participles() -> None:
    names = [place for file in parse(PACKAGES) for place in variables(*file)]

    refused = [place for place in names if is_vague(place[2])]

    assert len(names) > 5000
    assert len(refused) < MAX_NAME_SHARE * len(names), shown(refused)


@pytest.mark.parametrize(
    ("source", "docstrings", "names"),
    [
        ('def f(): "Return what a client sent."', 1, 0),
        ('def f(): "Return the body of a request."', 0, 0),
        ("def f(told): found = told", 0, 2),
        ("for own in rows: self.kept = own", 0, 2),
        ("def f(message): result = message", 0, 0),
    ],
)
def test_the_lint_finds_what_it_looks_for(
    source: str, docstrings: int, names: int
) -> None:
    tree = ast.parse(source)

    asked = [place for place in first_lines("", tree) if PRONOUNS.search(place[2])]
    vague = [place for place in variables("", tree) if is_vague(place[2])]

    assert (len(asked), len(vague)) == (docstrings, names)
