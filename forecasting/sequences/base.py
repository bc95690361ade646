"""Base class of the estimators of series: settings, and reading of series."""

from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from forecasting.devices import pick_device
from forecasting.errors import SettingError, ShapeError
from forecasting.models.cells import Cell
from forecasting.models.config import RecurrentConfig
from forecasting.sequences.data import PaddedSeries, is_ragged, pad_array, pad_series
from forecasting.sequences.reading.columns import (
    SequenceColumns,
    Task,
    default_columns,
)
from forecasting.training import TrainingConfig

MAX_RECURRENT_STEPS = 64  # of the longest training series, with patch_len None


class SeriesEstimator(BaseEstimator):  # type: ignore[misc]
    """An estimator that reads series: arrays, or lists of unequal lengths.

    Attributes:
        channels_: number of channels of the training series.
    """

    task: ClassVar[Task]
    cell: Cell

    @property
    def columns_(self) -> SequenceColumns:
        """Columns of the data that the model reads; the default ones unless set."""
        columns: SequenceColumns | None = self.__dict__.get("_columns")
        return columns or default_columns(self.task, self.channels_)

    @columns_.setter
    def columns_(self, columns: SequenceColumns) -> None:
        self._columns = columns

    def _configs(self, patch_len: int) -> tuple[RecurrentConfig, TrainingConfig]:
        """Return the validated settings of networks and training."""
        settings = plain_settings(self.get_params())
        settings |= {"patch_len": patch_len, "linear_skip": False}
        settings |= {"cell": self.cell, "normalization": "none"}
        return (
            RecurrentConfig(**settings_of(RecurrentConfig, settings)),
            TrainingConfig(**settings_of(TrainingConfig, settings)),
        )

    def check_settings(self, steps: int) -> None:
        """Check all settings before a training.

        Args:
            steps: of the longest training series.

        Raises:
            SettingError: a setting is out of range, or the device is missing.
        """
        patch_len = choose_patch_len(getattr(self, "patch_len", 1), steps)
        _, training = self._configs(patch_len)
        pick_device(training.device)

    def _read(self, X: Any, *, reset: bool) -> PaddedSeries:  # noqa: N803
        """Return series padded, after checks; ``reset`` in training.

        Raises:
            InvalidSeries: a series is empty, has missing values, or is too long.
            ShapeError: another number of channels than in training.
            ValueError: an array of another shape than in training.
        """
        if is_ragged(X):
            series = pad_series(X)
        else:
            values = validate_data(
                self, X, dtype=np.float64, allow_nd=True, reset=reset
            )
            series = pad_array(values)
        if reset:
            self.channels_ = series.channels
        self._check_channels(series)
        return series

    def _check_channels(self, series: PaddedSeries) -> None:
        """Check that series have the channels of the training."""
        if series.channels != self.channels_:
            found = tuple(series.values.shape)
            raise ShapeError("X", found, ("series", "steps", self.channels_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def plain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with NumPy scalars as Python numbers."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in settings.items()
    }


def settings_of(config: type[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are fields of a configuration."""
    return {f.name: settings[f.name] for f in fields(config) if f.name in settings}


def choose_patch_len(patch_len: int | None, steps: int) -> int:
    """Return the steps that the network reads at once; for None, by the length.

    Raises:
        SettingError: it is no whole number from 1 to the longest series.
    """
    if patch_len is None:
        return -(-steps // MAX_RECURRENT_STEPS)
    is_whole = isinstance(patch_len, int | np.integer)
    if not is_whole or not 1 <= patch_len <= max(steps, 1):
        expected = f"None, or a whole number from 1 to the longest series, {steps}"
        raise SettingError("patch_len", patch_len, expected)
    return int(patch_len)


def draw_seeds(random: np.random.RandomState, members: int) -> list[int]:
    """Return a seed for each member."""
    seeds: npt.NDArray[np.int64] = random.randint(2**31, size=members)
    return [int(seed) for seed in seeds]
