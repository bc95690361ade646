"""Matrix of a job file: the cross product of values for some of its keys."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

from pipelines.config.job import make_name, set_value
from pipelines.config.keys import describe_unknown
from pipelines.config.sequence_job import all_keys
from pipelines.errors import JobError

DATA_PATH = "data.path"
MAX_NAME_LENGTH = 100
EXAMPLE = "matrix: {model.cell: [rnn, lstm, gru]}"


def check_matrix(
    matrix: object, source: Path, overrides: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Check a matrix and return its values by dotted path.

    Args:
        matrix: value of the key ``matrix``.
        source: path of the job file.
        overrides: settings from options, which cannot be in the matrix as well.

    Raises:
        JobError: a key is unknown, or has no list of different values.
    """
    if not isinstance(matrix, dict) or not matrix:
        problem = f"matrix: lists of values by key are expected, such as {EXAMPLE}"
        raise JobError(source, [f"{problem}; found {matrix!r}"])
    problems = []
    for key, values in matrix.items():
        if (reason := _find_problem(str(key), values, overrides)) is not None:
            problems.append(f"matrix: {reason}")
    if problems:
        raise JobError(source, problems)
    return matrix


def count_jobs(matrix: Mapping[str, list[Any]]) -> int:
    """Return the number of jobs of a matrix."""
    return math.prod(map(len, matrix.values()))


def expand(
    plain: Mapping[str, Any], matrix: Mapping[str, list[Any]], source: Path
) -> Iterator[dict[str, Any]]:
    """Yield the keys of each job of a matrix, with a name of its own.

    The name is that of the file with the values, joined by dashes; a number follows
    where two would be the same.

    Args:
        plain: keys of the job file, without the matrix.
        matrix: values by dotted path; paths to data are relative to the file.
        source: path of the job file.
    """
    base = str(plain.get("name") or make_name(source.stem))
    names: Counter[str] = Counter()
    for values in product(*matrix.values()):
        job = deepcopy(dict(plain))
        for key, value in zip(matrix, values, strict=True):
            is_path = key == DATA_PATH and isinstance(value, str)
            set_value(job, key, str(source.parent / value) if is_path else value)
        words = map(_name_value, matrix, values)
        job["name"] = _make_unique(make_name("-".join([base, *words])), names)
        yield job


def _find_problem(key: str, values: Any, overrides: Mapping[str, Any]) -> str | None:
    """Return the problem of one key of a matrix; None without one."""
    keys = [path for path in all_keys() if path != "name"]
    if key not in keys:
        return describe_unknown(key, keys)
    if key in overrides:
        return f"{key}: an option sets it too. Leave out one of them."
    if not isinstance(values, list) or not values:
        return f"{key}: a list of values is expected (found {values!r})"
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        return f"{key}: {twice[0]!r} is in the list twice"
    return None


def _name_value(key: str, value: Any) -> str:
    """Return a value as a part of a name: of a path, the name of the file."""
    if key == DATA_PATH:
        return Path(str(value)).name.removesuffix(".gz").removesuffix(".csv")
    if isinstance(value, list):
        return "-".join(map(str, value))
    return "none" if value is None else str(value)


def _make_unique(name: str, names: Counter[str]) -> str:
    """Return a name that is not among ``names``, and count it there."""
    short = name[:MAX_NAME_LENGTH].rstrip("._- ")
    while short in names:
        names[short] += 1
        suffix = f"-{names[short]}"
        longer = f"{short[: MAX_NAME_LENGTH - len(suffix)]}{suffix}"
        if longer not in names:
            short = longer
            break
    names[short] += 1
    return short
