"""Python client of the service: typed, with retries, sync and async.

It needs httpx, and pandas only for frames:

    >>> from serving.client import Client
    >>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
    ...     frame = client.forecast("sales", {"a": [1.0, 2.0, 3.0]}, horizon=2)
"""

from serving.client.answers import (
    Answering,
    Explanation,
    ModelDetails,
    ModelSummary,
    SequenceDetails,
    SequenceSummary,
)
from serving.client.clients import AsyncClient, Client
from serving.client.failures import ClientError, ProblemAnswer, Unreachable
from serving.client.retries import Retries
from serving.client.sequences import Generated
from serving.client.series import Series, series_of

__all__ = [
    "Answering",
    "AsyncClient",
    "Client",
    "ClientError",
    "Explanation",
    "Generated",
    "ModelDetails",
    "ModelSummary",
    "ProblemAnswer",
    "Retries",
    "SequenceDetails",
    "SequenceSummary",
    "Series",
    "Unreachable",
    "series_of",
]
