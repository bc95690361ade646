"""Where the results of a command go: terminal, standard output or file."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from forecasting.errors import SettingError
from pipelines.output.files import STANDARD_OUTPUT, write_table

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.data.schema import Schema


def open_console(output: Path | None, as_json: bool) -> Console:
    """Return the console of notes and progress.

    It writes to standard error where the result itself goes to the standard output.

    Args:
        output: file of the result; None for none.
        as_json: whether the result is printed as JSON.

    Raises:
        SettingError: two results would go to the standard output.
    """
    is_printed = output == STANDARD_OUTPUT
    if is_printed and as_json:
        expected = "a file where --json prints the result too"
        raise SettingError("output", "-", expected)
    return Console(stderr=as_json or is_printed)


def write_rows(
    console: Console,
    frame: "pd.DataFrame",
    output: Path,
    *,
    full: bool,
    schema: "Schema | None" = None,
    target: str = "point",
) -> None:
    """Write a table and print the number of its rows.

    Args:
        console: output of the line.
        frame: the table.
        output: path of the file, or ``-``.
        full: write all digits.
        schema: of the file whose names the columns take; None keeps those of Recast.
        target: column that takes the name of the target.

    Raises:
        OutputError: the file cannot be written.
        SettingError: two columns would have one name.
    """
    if schema is not None:
        from pipelines.output.column_names import name_as_in_data

        frame = name_as_in_data(frame, schema, target)
    write_table(frame, output, full=full)
    if output != STANDARD_OUTPUT:
        console.print(f"wrote {len(frame)} rows to {output}", soft_wrap=True)
