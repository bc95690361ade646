"""Forecasts of each row by the model of its series."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from forecasting.forecaster.history import Histories
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.predictor import Predictor
from forecasting.forecaster.trained_model import GlobalModel, TrainedModel
from forecasting.types import FloatArray, IntArray

MAX_READY = 256  # models ready to forecast; the others are packed tensors
ROW_PRODUCTS = 2**23  # fixed cost of a row in multiplications: half a millisecond


class LocalPredictor:
    """Models of one series each that forecast series given as arrays.

    It has the interface of `Predictor`. A model is unpacked for its first forecast;
    the last `MAX_READY` ones remain ready.

    Args:
        model: the models.

    Attributes:
        model: the models.
    """

    def __init__(self, model: LocalModels) -> None:
        self.model = model
        self.predictor_of = lru_cache(MAX_READY)(self._make)
        self._products = self.predictor_of(0).work(1, 1)

    def _make(self, place: int) -> Predictor:
        return Predictor(self.model.unpack(place))

    def work(self, rows: int, steps: int) -> int:
        """Return the approximate number of multiplications of a forecast."""
        passes = -(-steps // self.model.horizon)
        return rows * max(self._products * passes, ROW_PRODUCTS)

    def forecast(
        self, histories: Histories, *, steps: int, levels: tuple[float, ...] = ()
    ) -> tuple[FloatArray, FloatArray]:
        """Forecast each row by the model of its series, see `Predictor.forecast`."""
        points = np.empty((len(histories), steps))
        bounds = np.empty((2 * len(levels), len(histories), steps))
        for predictor, rows, part in self._by_series(histories):
            points[rows], bounds[:, rows] = predictor.forecast(
                part, steps=steps, levels=levels
            )
        return points, bounds

    def bounds_at(
        self, histories: Histories, points: FloatArray, levels: tuple[float, ...]
    ) -> FloatArray:
        """Return the bounds around forecasts, see `Predictor.bounds_at`."""
        bounds = np.empty((2 * len(levels), *points.shape))
        for predictor, rows, part in self._by_series(histories):
            bounds[:, rows] = predictor.bounds_at(part, points[rows], levels)
        return bounds

    def _by_series(
        self, histories: Histories
    ) -> Iterator[tuple[Predictor, IntArray, Histories]]:
        """Yield the predictor of each series, its rows, and their histories."""
        order = np.argsort(histories.places, kind="stable")
        places = histories.places[order]
        firsts = np.flatnonzero(np.diff(places, prepend=-1))
        for rows in np.split(order, firsts[1:]):
            part = replace(
                histories,
                begins=histories.begins[rows],
                ends=histories.ends[rows],
                places=np.zeros_like(rows),
            )
            yield self.predictor_of(int(histories.places[rows[0]])), rows, part


AnyPredictor = Predictor | LocalPredictor


def make_predictor(model: TrainedModel) -> AnyPredictor:
    """Return the predictor of a trained model of either kind."""
    if isinstance(model, LocalModels):
        return LocalPredictor(model)
    assert isinstance(model, GlobalModel)
    return Predictor(model)
