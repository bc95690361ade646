"""Files that a command reads, checked and read before torch and MLflow are imported.

These imports take seconds, too long for a misspelt path or an open question.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecasting.errors import DataError, UnreadableData

if TYPE_CHECKING:
    from forecasting.data.panel import Panel

JOB_FILES = (".yaml", ".yml")
DATA_FILES = (".csv", ".tsv", ".txt", ".gz", ".xlsx", ".parquet")


def check_files(*paths: Path | None) -> None:
    """Check that files exist; None stands for an option that was not used.

    Raises:
        UnreadableData: there is no such file.
    """
    for path in paths:
        if path is not None and not path.exists():
            raise UnreadableData(path, "there is no such file", "Check the path.")


def is_data_file(reference: str) -> bool:
    """Return whether a text is the path of a file with series, not name of a model.

    A file needs an ending: a model ``sales`` is found beside a file ``sales``. With the
    ending of a table it need not exist, so that a misspelt path asks no registry.

    Raises:
        UnreadableData: it is a job file.
    """
    path = Path(reference)
    if path.suffix.lower() in JOB_FILES and path.is_file():
        advice = (
            f"Train it: recast train {reference}; or give the CSV file of its data."
        )
        raise UnreadableData(path, "a job file has no series", advice)
    is_table = path.suffix.lower() in DATA_FILES and not path.is_dir()
    return is_table or (path.is_file() and path.suffix != "")


def read_series(source: Path, overrides: Mapping[str, Any]) -> "Panel | None":
    """Read the series of a CSV file; None for a job file.

    Args:
        source: CSV file or job file.
        overrides: settings of the job, by dotted path.

    Raises:
        DataError: the series cannot be used.
        SettingError: a setting of the data is invalid.
    """
    if source.suffix.lower() in JOB_FILES:
        return None
    settings = {
        path.partition(".")[2]: value
        for path, value in overrides.items()
        if path.startswith("data.")
    }
    return read_table_file(source, settings)


def read_table_file(path: Path, settings: Mapping[str, Any]) -> "Panel":
    """Read the series of a file; all open questions about it are one error.

    Args:
        path: of the file.
        settings: attributes of `forecasting.data.schema.Schema`.

    Raises:
        DataError: the series cannot be used.
        SettingError: a setting is invalid.
    """
    from forecasting.io import read_csv

    with ask_at_once(path, settings):
        return read_csv(path, **settings)


@contextmanager
def ask_at_once(path: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Add to a question about the columns of a file all further ones.

    Args:
        path: of the file.
        settings: attributes of `forecasting.data.schema.Schema`.

    Raises:
        OpenQuestions: several options are needed.
    """
    try:
        yield
    except DataError as error:
        from forecasting.inspection.inspect import list_questions
        from forecasting.inspection.questions import OpenQuestions, is_question

        if not is_question(error):
            raise
        questions = [str(error)]
        questions += [
            question
            for question in list_questions(path, **settings)
            if question not in questions
        ]
        if len(questions) == 1:
            raise
        raise OpenQuestions(tuple(questions)) from None
