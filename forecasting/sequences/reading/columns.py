"""Columns of the data that a model of discrete series reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from forecasting.data.schema import Decimal, Schema

Task = Literal["classify", "label", "next"]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceColumns:
    """Columns of series, a row for each step.

    Attributes:
        series_id: columns that name the series, joined where there are several; empty
            where all rows are one series.
        time: columns of the moments, joined; empty where rows are in their order.
        channels: columns of the numbers; empty for symbols.
        label: column of the label of the series or step; empty for symbols.
        symbol: column of the symbols; empty for numbers.
        is_text: whether series are texts, and symbols their characters.
        time_format: as in `forecasting.data.schema.Schema`.
        decimal: mark before the decimals of numbers in text.
        encoding: of a file, as Python names it.
    """

    series_id: Names = ()
    time: Names = ()
    channels: Names = ()
    label: str = ""
    symbol: str = ""
    is_text: bool = False
    time_format: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None

    @property
    def schema(self) -> Schema:
        """The columns of series and time, as the readers of tables take them.

        Labels and symbols are text, even if they look like numbers.
        """
        text = tuple(name for name in (self.label, self.symbol) if name)
        return Schema(
            time=self.time,
            series_id=self.series_id,
            text=text,
            time_format=self.time_format,
            decimal=self.decimal,
            encoding=self.encoding,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return the columns as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the columns of `to_plain`.

        Raises:
            TypeError: a key is unknown.
        """
        lists = [f.name for f in fields(cls) if f.type == Names and f.name in plain]
        return cls(**{**plain, **{name: tuple(plain[name]) for name in lists}})


def default_columns(task: Task, channels: int = 1) -> SequenceColumns:
    """Return the columns of a model that was trained on arrays or lists.

    Args:
        task: of the model.
        channels: number of its channels.
    """
    if task == "next":
        return SequenceColumns(series_id=("series_id",), symbol="symbol")
    names = [f"value_{number}" for number in range(1, channels + 1)]
    return SequenceColumns(
        series_id=("series_id",),
        channels=("value",) if channels == 1 else tuple(names),
        label="label",
    )
