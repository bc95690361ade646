"""Answers about discrete series as JSON, and errors of their requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import orjson

from forecasting.errors import DataError, SettingError
from forecasting.types import FloatArray
from serving.errors import Loc, RequestError
from serving.registry.loaded_model import LoadedSequences

SERIES: Loc = ("body", "series")


def encode_answer(model: LoadedSequences, alias: str | None, **fields: Any) -> bytes:
    """Return the response body of a request.

    Args:
        model: model of the answer.
        alias: alias in the request; None where it named a version.
        fields: of the answer; NumPy arrays become lists.
    """
    answer = {"model": model.name, "version": model.version, "alias": alias, **fields}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


@contextmanager
def located_errors(loc: Loc) -> Iterator[None]:
    """Raise errors of data at a location, and of settings at theirs."""
    try:
        yield
    except SettingError as error:
        raise RequestError([(("body", error.setting), str(error))], error) from error
    except DataError as error:
        raise RequestError([(loc, str(error))], error) from error


def check_probabilities(rows: FloatArray) -> None:
    """Check that all probabilities are finite.

    Raises:
        RequestError: one is not.
    """
    if not np.isfinite(rows).all():
        text = (
            "no probability follows these numbers: they are far beyond those of the "
            "training. Check their unit."
        )
        raise RequestError([(SERIES, text)])
