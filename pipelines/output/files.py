"""Atomic writing of CSV and PNG files: a file appears complete or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pipelines.errors import OutputError

if TYPE_CHECKING:  # writing a table does not import matplotlib
    from matplotlib.figure import Figure


def check_output(path: Path | None) -> None:
    """Check, before the work starts, that a file can be written at ``path``.

    Raises:
        OutputError: the folder is missing or read-only, or ``path`` is no ordinary
            file.
    """
    if path is None:
        return
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise OutputError(path, f"it is {kind}")
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(path, f"the folder {path.parent} is read-only")


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, moments with a zone as ISO text.

    Raises:
        OutputError: the file cannot be written.
    """
    with_zone = frame.select_dtypes("datetimetz")
    texts = {str(name): list(map(isoformat, with_zone[name])) for name in with_zone}
    with _draft(path) as draft:
        frame.assign(**texts).to_csv(draft, index=False)


def isoformat(moment: pd.Timestamp) -> str:
    """Return a moment with a zone as ISO text: ``2024-03-05T04:00:00+05:30``."""
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if str(moment.tz) == "UTC" else text


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
    check_output(path)
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
