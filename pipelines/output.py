"""Files that a command writes: whole, or not at all."""

import os
import tempfile
from pathlib import Path

import pandas as pd

from pipelines.errors import OutputError


def check_output(path: Path | None) -> None:
    """Make sure, before the work starts, that a file can be written at ``path``.

    Raises:
        OutputError: its folder is missing or read-only, or something else has its name.
    """
    if path is None:
        return
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no ordinary file"
        raise OutputError(path, f"it is {what}")
    if not path.parent.is_dir():
        raise OutputError(path, f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(path, f"the folder {path.parent} is read-only")


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV beside its place, then rename it.

    Raises:
        OutputError: the file cannot be written.
    """
    check_output(path)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
            frame.to_csv(file, index=False)
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except OSError as error:
        Path(draft).unlink(missing_ok=True)
        raise OutputError(path, error.strerror or str(error)) from error
