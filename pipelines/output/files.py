"""Files of tables and figures, by the end of their name; each appears complete.

``-`` in place of a name is the standard output, as CSV.
"""

import json
import os
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from forecasting.display.numbers import round_significant
from pipelines.errors import OutputError

if TYPE_CHECKING:  # a path is checked before these are imported
    import pandas as pd
    from matplotlib.figure import Figure

STANDARD_OUTPUT = Path("-")
TABLE_SUFFIXES = (".csv", ".parquet", ".json")
EXACT_COLUMNS = ("actual",)  # observations of the user
PARQUET_ADVICE = "Install it: pip install pyarrow; or write a .csv file."


def check_output(path: Path | None, suffixes: Collection[str] = TABLE_SUFFIXES) -> None:
    """Check, before the work starts, that a file can be written at ``path``.

    Args:
        path: of the file, or ``-``; None for no file.
        suffixes: ends of names that can be written.

    Raises:
        OutputError: the name has another end, the folder is missing or read-only, or
            ``path`` is no ordinary file.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    suffix = path.suffix.lower()
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise OutputError(path, f"it is {kind}")
    if suffix not in suffixes:
        problem = f"its name ends in none of {', '.join(suffixes)}"
        raise OutputError(path, problem, "Choose one of these ends, or - for CSV.")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        problem = "a .parquet file needs the package pyarrow"
        raise OutputError(path, problem, PARQUET_ADVICE)
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(path, f"the folder {path.parent} is read-only")


def write_table(frame: "pd.DataFrame", path: Path, *, full: bool = False) -> None:
    """Write a table as CSV, Parquet or JSON, or as CSV to the standard output.

    In CSV and JSON, numbers have six significant digits and moments are ISO text. The
    user's observations keep all digits.

    Args:
        frame: the table.
        path: its suffix is one of `TABLE_SUFFIXES`; or ``-``.
        full: write all digits of all numbers.

    Raises:
        OutputError: the file cannot be written.
    """
    if path.suffix.lower() == ".parquet":
        with _draft(path) as draft:
            frame.to_parquet(draft, index=False, engine="pyarrow")
        return
    readable = frame if full else _round(frame)
    if path == STANDARD_OUTPUT:
        _with_moments_as_text(readable, "datetimetz").to_csv(sys.stdout, index=False)
        return
    with _draft(path) as draft:
        if path.suffix.lower() == ".json":
            plain = to_records(readable)
            text = json.dumps(plain, indent=1, ensure_ascii=False)
            draft.write_text(f"{text}\n", encoding="utf-8")
        else:
            table = _with_moments_as_text(readable, "datetimetz")
            table.to_csv(draft, index=False)


def to_records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return a table as plain values for JSON, a mapping a row; None for no number."""
    table = _with_moments_as_text(frame, "datetime", "datetimetz").astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in table.where(table.notna(), None).to_dict("records")
    ]


def _round(frame: "pd.DataFrame") -> "pd.DataFrame":
    names = [name for name in frame.select_dtypes("float") if name not in EXACT_COLUMNS]
    return frame.assign(**{str(n): frame[n].map(round_significant) for n in names})


def _with_moments_as_text(
    frame: "pd.DataFrame", *kinds: Literal["datetime", "datetimetz"]
) -> "pd.DataFrame":
    moments = frame.select_dtypes(list(kinds))
    texts = {str(name): list(map(isoformat, moments[name])) for name in moments}
    return frame.assign(**texts)


def isoformat(moment: "pd.Timestamp") -> str:
    """Return a moment as ISO text, with its offset: ``2024-03-05T04:00:00+05:30``."""
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if str(moment.tz) == "UTC" else text


def write_text(text: str, path: Path) -> None:
    """Write a text in UTF-8.

    Raises:
        OutputError: the file cannot be written.
    """
    with _draft(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_png(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    with _draft(path) as draft:
        figure.savefig(draft, format="png")


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``path``; rename it to ``path`` at the end."""
    check_output(path, (path.suffix.lower(),))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    finally:
        draft.unlink(missing_ok=True)
