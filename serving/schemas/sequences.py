"""Schemas of responses about models of discrete series, with examples."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from forecasting.sequences.reading.columns import Task
from serving.schemas.forecast import ModelSummary

Label: TypeAlias = str | int | float | bool  # of a class, or a symbol
CLASSES = ["normal", "ventricular"]
ANSWERING: dict[str, Any] = {"model": "hearts", "version": "3", "alias": "champion"}


def _example(**fields: Any) -> ConfigDict:
    """Return the configuration of an answer with an example."""
    examples: list[Any] = [ANSWERING | fields]
    return ConfigDict(
        use_attribute_docstrings=True, json_schema_extra={"examples": examples}
    )


class SequenceSummary(BaseModel):
    """A model of discrete series that answers under an alias."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    version: str
    """The version that answers."""
    alias: str | None
    """The alias in the request; null where it named a version."""
    aliases: list[str]
    """All aliases that point to this version in the registry."""
    latest: bool
    """Whether no newer version is registered."""
    task: Task
    """``classify``: a label for each series; ``label``: for each step; ``next``: the
    next symbol, and generation."""
    cell: str
    """Kind of recurrent network."""
    num_classes: int
    """Number of labels; 0 for symbols."""
    num_symbols: int
    """Number of symbols; 0 for labels."""
    channels: list[str]
    """Columns of the numbers of a step, in the order of a request; empty for
    symbols."""
    is_text: bool
    """Whether the symbols are single characters, so that a text is a series."""
    num_series: int | None
    """Number of series seen in training; null where it was not recorded."""
    num_rows: int | None
    """Steps of them all; null where it was not recorded."""
    metrics: dict[str, float]
    """Figures on the test part; empty when none was recorded."""


class SequenceColumn(BaseModel):
    """A column of the training data."""

    name: str
    role: Literal["series_id", "time", "channel", "label", "symbol"]


class SequenceDetails(SequenceSummary):
    """A model of discrete series with its columns, classes or symbols."""

    columns: list[SequenceColumn]
    """Columns of a table that it reads; a label is not needed."""
    classes: list[Label]
    """Labels, in the order of the probabilities."""
    symbols: list[Label]
    """The first thousand symbols, sorted."""
    unknown: Label | None
    """The symbol that stands for all others; null where others are refused."""


class ModelList(BaseModel):
    """The models that answer, by name: forecasters, and those of discrete series."""

    models: list[ModelSummary | SequenceSummary]


class Answered(BaseModel):
    """The model and version of an answer."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str
    version: str
    alias: str | None
    """The alias in the request; null where it named a version."""


class SeriesClass(BaseModel):
    """The class of one series."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    label: Label
    """The most probable class."""
    probabilities: list[float]
    """Of each class, in the order of ``classes``."""
    parts: list[list[float]] | None = None
    """With ``explain``: for each step and channel, the part in the logit of the class
    (gradient times input); positive ones speak for the class."""
    share: float | None = None
    """With ``explain``: share of the networks in the answer, 0 to 1; the rest are
    random features, which are not explained."""


class ClassifyAnswer(Answered):
    """The class of each series."""

    model_config = _example(
        classes=CLASSES,
        predictions=[{"id": "a", "label": "normal", "probabilities": [0.97, 0.03]}],
    )

    classes: list[Label]
    predictions: list[SeriesClass]


class StepLabels(BaseModel):
    """The label of each step of one series."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    labels: list[Label]
    probabilities: list[list[float]] | None = None
    """Of each class at each step; left out where the request says so."""


class LabelAnswer(Answered):
    """The label of each step of each series."""

    model_config = _example(
        classes=["calm", "loud"],
        predictions=[
            {
                "id": "a",
                "labels": ["calm", "loud"],
                "probabilities": [[0.9, 0.1], [0.2, 0.8]],
            }
        ],
    )

    classes: list[Label]
    predictions: list[StepLabels]


class SymbolProbability(BaseModel):
    """A symbol with its probability."""

    symbol: Label
    probability: float


class NextSymbol(SymbolProbability):
    """The most probable symbol after one series, and the next probable ones."""

    id: str
    top: list[SymbolProbability] = Field(description="The most probable one first.")


class NextAnswer(Answered):
    """The symbol that follows each series."""

    model_config = _example(
        predictions=[
            {
                "id": "a",
                "symbol": "l",
                "probability": 0.9,
                "top": [{"symbol": "l", "probability": 0.9}],
            }
        ]
    )

    predictions: list[NextSymbol]


class GenerateAnswer(Answered):
    """Generated symbols."""

    model_config = _example(symbols=["l", "l", "o"], text="llo", stopped=False)

    symbols: list[Label]
    """After the seed; the stop symbol is left out."""
    text: str | None
    """The symbols joined, where all are single characters; else null."""
    stopped: bool
    """Whether the stop symbol ended it."""
