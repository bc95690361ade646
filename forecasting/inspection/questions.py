"""Open questions of a file: the errors that an option answers, all at once.

Reading ends at its first error. To ask for everything at once, it goes on with a
provisional answer, as far as that leads to no error of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from forecasting.data.panel import Panel
from forecasting.data.schema import Schema
from forecasting.errors import (
    AmbiguousColumns,
    DataError,
    InvalidTimestamps,
    IrregularTimestamps,
    MissingValues,
)
from forecasting.io.csv_format import Table
from forecasting.io.panel import build_panel

MAX_QUESTIONS = 8
COLUMN_OPTIONS = ("--decimal", "--time-format", "--time", "--target", "--series-id")
ROLES = {"time": "time", "target": "target", "series id": "series_id"}


class OpenQuestions(DataError):
    """Several questions that options answer."""

    def __init__(self, questions: tuple[str, ...]) -> None:
        self.questions = questions
        first, *others = questions
        super().__init__("\n".join([first, *(f"Also open: {text}" for text in others)]))


@dataclass(frozen=True, slots=True)
class Reading:
    """A table as far as it could be read.

    Attributes:
        table: the table.
        schema: the schema, with provisional answers to the questions.
        panel: the series; None where an answer would be needed for them.
        questions: errors on the way.
        notes: guesses and repairs.
    """

    table: Table
    schema: Schema
    panel: Panel | None
    questions: tuple[DataError, ...]
    notes: tuple[str, ...]

    @property
    def open_roles(self) -> frozenset[str]:
        """Roles for which several columns fit."""
        return frozenset(
            error.role
            for error in self.questions
            if isinstance(error, AmbiguousColumns)
        )


def is_question(error: Exception) -> bool:
    """Test if an error asks for the role of a column or the form of its values."""
    if isinstance(error, AmbiguousColumns):
        return True
    return isinstance(error, DataError) and any(
        option in str(error) for option in COLUMN_OPTIONS
    )


def read_on(read: Callable[[Schema], Table], requested: Schema) -> Reading:
    """Read a table, and go on with provisional answers to open questions.

    Args:
        read: reads the table by a schema.
        requested: the user's schema.

    Raises:
        DataError: the table itself cannot be read.
    """
    schema, table = requested, read(requested)
    questions: list[DataError] = []
    while len(questions) < MAX_QUESTIONS:
        try:
            panel = build_panel(table, schema)
        except DataError as error:
            if questions and not (is_question(error) or _is_gap(error)):
                break  # it may follow from a provisional answer
            if str(error) not in map(str, questions):
                questions.append(error)
            answered = _answer(error, schema)
            if answered is None:
                break
            if answered.decimal != schema.decimal:
                table = read(answered)
            schema = answered
        else:
            is_open = any(not _is_gap(question) for question in questions)
            return Reading(
                table=table,
                schema=panel.schema,
                panel=None if is_open else panel,
                questions=tuple(questions),
                notes=panel.notes,
            )
    return Reading(table, schema, None, tuple(questions), table.notes)


def _is_gap(error: DataError) -> bool:
    """Test if an error is about values or moments that a policy fills."""
    return isinstance(error, MissingValues | IrregularTimestamps) and (
        "interpolate" in str(error)
    )


def _answer(error: DataError, schema: Schema) -> Schema | None:
    """Return the schema with a provisional answer, or None if there is none."""
    if isinstance(error, AmbiguousColumns):
        return _answer_column(error, schema)
    if "--decimal" in str(error) and schema.decimal is None:
        return replace(schema, decimal=".")
    if isinstance(error, InvalidTimestamps) and schema.time != ():
        return replace(schema, time=())
    if _is_gap(error) and schema.missing == "error":
        return replace(schema, missing="interpolate")
    return None


def _answer_column(error: AmbiguousColumns, schema: Schema) -> Schema | None:
    """Return the schema with the first candidate in the role, or without any."""
    role = ROLES.get(error.role)
    if role is None or getattr(schema, role) is not None:
        return None
    names = [name for name in error.candidates if name not in schema.named]
    if role == "target":
        return replace(schema, target=names[0]) if names else None
    columns = tuple(names[:1])
    return (
        replace(schema, time=columns)
        if role == "time"
        else replace(schema, series_id=columns)
    )
