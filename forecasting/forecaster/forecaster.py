"""`Forecaster`: fit recurrent networks, forecast with intervals, save and load."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecasting.data.covariates import BySeries
from forecasting.data.forecast import Forecast, Intervals, check_horizon
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, last_origins, timestamps_at
from forecasting.data.windows import WindowSpec
from forecasting.devices import Device, pick_device
from forecasting.errors import NotFittedError, SettingError
from forecasting.forecaster.artifact import (
    locate_artifact,
    pack,
    read_artifact,
    unpack,
    write_artifact,
)
from forecasting.forecaster.fit import fit_networks
from forecasting.forecaster.predict import (
    compute_intervals,
    forecast,
    read_histories,
)
from forecasting.forecaster.predictor import Predictor
from forecasting.forecaster.trained_model import ForecasterConfig, TrainedModel
from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.intervals.scores import to_scores
from forecasting.intervals.shown import ShownRange
from forecasting.io import read_frame, read_latest
from forecasting.io.frames import FrameLike
from forecasting.models.config import RecurrentConfig
from forecasting.training import EpochRecord, TrainingConfig
from forecasting.types import FloatArray

LEVELS = (80.0, 95.0)


class Forecaster:
    """A recurrent network, or a median of several, that forecasts series.

    Args:
        windows: lookback (``seq_len``), horizon and stride.
        model: cell, size, strategy, normalisation.
        training: optimizer, early stopping, device, seed.

    Attributes:
        config: windows, model and training, together.
        history: one record per epoch and member.

    >>> import math
    >>> wave = [math.sin(0.3 * t) for t in range(200)]
    >>> forecaster = Forecaster(training=TrainingConfig(epochs=2))
    >>> forecast = forecaster.fit(Panel.from_values({"wave": wave})).predict(horizon=3)
    >>> forecast.points.shape, forecast.timestamps.tolist()
    ((1, 3), [[201, 202, 203]])
    """

    def __init__(
        self,
        *,
        windows: WindowSpec | None = None,
        model: RecurrentConfig | None = None,
        training: TrainingConfig | None = None,
    ) -> None:
        self.config = ForecasterConfig(
            windows=windows or WindowSpec(),
            model=model or RecurrentConfig(),
            training=training or TrainingConfig(),
        )
        self._trained: TrainedModel | None = None
        self.history: list[EpochRecord] = []
        self._predictor: Predictor | None = None
        self._calibration = Calibration.start(
            ForecastErrors.none(self.windows.horizon), self.model.intervals
        )

    @property
    def windows(self) -> WindowSpec:
        """Lookback, horizon and stride."""
        return self.config.windows

    @property
    def model(self) -> RecurrentConfig:
        """Settings of the networks."""
        return self.config.model

    @property
    def training(self) -> TrainingConfig:
        """Settings of the training."""
        return self.config.training

    @property
    def trained(self) -> TrainedModel:
        """Networks, statistics and intervals of the training.

        Raises:
            NotFittedError: the forecaster has not been trained.
        """
        if self._trained is None:
            raise NotFittedError("forecaster")
        return self._trained

    @trained.setter
    def trained(self, trained: TrainedModel) -> None:
        self._trained = trained

    def fit(
        self,
        panel: "Panel | FrameLike",
        *,
        start: "Forecaster | None" = None,
        choices: "Forecaster | None" = None,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        **settings: Any,
    ) -> Self:
        """Train on every series of a panel or frame.

        A series that is too short for a window is left out of the training. With a
        guard it is forecast by a simple forecast; without one it is not forecast.

        Args:
            panel: series without missing values; a frame is read by `read_frame`, with
                the schema of ``start``.
            start: a trained forecaster with the same windows, layers and at least as
                many members, whose weights and normalisation training starts from;
                validation may select it unchanged.
            choices: a trained forecaster with the same settings, whose guard's choice
                of a method for each series holds; default: it is chosen anew.
            on_epoch: called after each epoch, for a progress bar or a log.
            settings: attributes of `Schema` for a frame, such as ``target``.

        Raises:
            DataError: a frame cannot be read.
            SeriesTooShort: no series holds a window of seq_len + horizon.
            SettingError: the settings contradict each other, or those of ``start``.
            NotFittedError: ``start`` or ``choices`` has not been trained.
            TrainingDiverged: the loss became infinite.
        """
        source = None if start is None else start.trained
        panel = _to_panel(panel, source, settings)
        if not self.model.guard:
            panel = _drop_short(panel, self.config.min_history)
        result = fit_networks(
            panel,
            self.config,
            start=source,
            choices=None if choices is None else choices.trained,
            on_epoch=on_epoch,
        )
        self.history = result.history
        self._calibration = Calibration.start(result.errors, self.model.intervals)
        context = panel.tail(self.config.memory(result.normalizer.method))
        self.trained = TrainedModel(
            config=self.config,
            networks=result.networks,
            normalizer=result.normalizer,
            intervals=self._calibration.table,
            context=replace(context, schema=context.complete_schema()),
            non_negative=bool(panel.values.min() >= 0),
            covariates=result.covariates,
            guard=result.guard,
            shown=ShownRange.from_panel(panel),
        )
        return self

    def forecast_at(
        self, panel: Panel, origins: Origins, horizon: int | None = None
    ) -> FloatArray:
        """Forecast from given origins, ``(origins, horizon)``, original units.

        No observation after an origin is used. Beyond the trained horizon, forecasts
        are fed back as if they had been observed.

        Args:
            panel: the series; ids seen in training keep their training scale, others
                are scaled by the observations before their origin.
            origins: forecast origins; each needs at least seq_len observations, or one
                with the normalisation ``ets`` or ``log_ets``.
            horizon: steps ahead; default the trained horizon.

        Raises:
            NotFittedError: the forecaster has not been trained.
            SeriesTooShort: an origin has fewer than seq_len observations.
            InvalidValues: the model takes logarithms and a value of a series that it
                has not seen in training is not positive.
            SettingError: the horizon is not a number of steps, or so long that
                forecasts are not finite or past covariates would be needed.
            MissingCovariates: the panel lacks a covariate, or a known one ends before
                the horizon.
        """
        steps = self.windows.horizon if horizon is None else check_horizon(horizon)
        return forecast(self.predictor, panel, origins, steps, ())[0]

    def intervals_at(
        self,
        panel: Panel,
        origins: Origins,
        points: FloatArray,
        levels: Iterable[float] = LEVELS,
    ) -> Intervals:
        """Return central intervals around forecasts, original units.

        Args:
            panel: the series.
            origins: origins of the forecasts.
            points: the forecasts, ``(origins, horizon)``.
            levels: in percent, from 1 to 99; 80 is the central 80 %.

        Raises:
            NotFittedError, SeriesTooShort, SettingError, MissingCovariates: as
                `forecast_at`.
        """
        return compute_intervals(self.predictor, panel, origins, points, levels)

    def read(self, source: "str | Path | FrameLike", **settings: Any) -> Panel:
        """Read new observations in the way of the training series, for `predict`.

        Args:
            source: a CSV file or a frame with the columns of the training, in any
                order, and possibly others.
            settings: attributes of `forecasting.data.schema.Schema` that replace those
                of the training, such as ``target`` for another name of its column.

        Raises:
            NotFittedError: the forecaster has not been trained.
            DataError, SettingError: as `forecasting.io.read_csv`.
        """
        return read_latest(source, self.trained.context, **settings)

    def predict(
        self,
        panel: "Panel | FrameLike | None" = None,
        *,
        future: BySeries | None = None,
        horizon: int | None = None,
        levels: Iterable[float] = LEVELS,
    ) -> Forecast:
        """Forecast each series after its end, with central intervals.

        Args:
            panel: series to continue, a panel or a frame for `read`; default those seen
                in training.
            future: known covariates of the steps ahead, by name and series id, if the
                panel does not hold them.
            horizon: steps ahead; default the trained horizon.
            levels: intervals in percent, from 1 to 99; 80 is the central 80 %.

        Raises:
            NotFittedError, SeriesTooShort, SettingError, MissingCovariates: as
                `forecast_at`.
            DataError: a frame cannot be read.
            IrregularTimestamps: the panel's timestamps have another frequency than
                those seen in training.
        """
        trained = self.trained
        series = trained.context
        if panel is not None:
            series = panel if isinstance(panel, Panel) else self.read(panel)
        series = series.with_future(future) if future else series
        calendar = trained.context.calendar.continued_by(series.calendar)
        steps = self.windows.horizon if horizon is None else check_horizon(horizon)
        points, intervals = forecast(
            self.predictor, series, last_origins(series), steps, levels
        )
        return Forecast(
            series_ids=series.series_ids,
            timestamps=calendar.future(series.last_timestamps(), steps),
            points=points,
            intervals=intervals,
            zone=series.calendar.zone,
            methods=trained.answering_methods(
                trained.find_places(series.series_ids), series.lengths
            ),
        )

    def without_guard(self) -> "Forecaster":
        """Return the forecaster with the forecasts of its networks for all series.

        Its intervals are not calibrated for them.
        """
        alone = Forecaster(
            windows=self.windows, model=self.model, training=self.training
        )
        alone.trained = replace(self.trained, guard=None)
        return alone

    def calibrate(self, panel: Panel, origins: Origins, points: FloatArray) -> Self:
        """Update the intervals with the errors of past forecasts.

        Errors are added from the oldest origins to the latest.

        Args:
            panel: the series, up to the end of the forecasts.
            origins: origins of the forecasts.
            points: out-of-sample forecasts, original units, ``(origins, horizon)``.
        """
        trained, predictor = self.trained, self.predictor
        steps, quantiles = points.shape[1], self.model.quantiles
        errors = np.empty(points.shape)
        volatility, units = np.empty((2, len(points)))
        histories = read_histories(predictor, panel, origins, steps)
        for block in histories.blocks(trained.memory):
            scaled = predictor.read(histories, block)
            series, ends = origins.series[block], origins.ends[block]
            observed = panel.pieces(series, ends, ends + steps)
            actual = scaled.normalizer.scale_series(observed).double().numpy()
            actual = actual.reshape(len(scaled), -1)
            residuals = (actual - scaled.scale(points[block])) / scaled.size
            if quantiles:
                residuals = to_scores(residuals, predictor.spread(scaled), quantiles)
            errors[block], volatility[block] = residuals, scaled.volatility
            units[block] = scaled.normalizer.scale * scaled.size[:, 0]
        is_on_logarithms = trained.scaling.is_logarithmic and not quantiles
        self._calibration = self._calibration.update(
            ForecastErrors(
                residuals=errors,
                volatility=volatility,
                log_units=units if is_on_logarithms else None,
            ),
            timestamps_at(panel, origins),
        )
        self.trained = replace(trained, intervals=self._calibration.table)
        return self

    def save(self, path: str | Path) -> None:
        """Write the model to a folder, atomically.

        Raises:
            NotFittedError: the forecaster has not been trained.
            ArtifactError: the folder cannot be written.
        """
        write_artifact(Path(path), *pack(self.trained))

    @classmethod
    def load(cls, path: str | Path, *, device: Device = "auto") -> "Forecaster":
        """Read a model that `save` wrote, on this or another machine.

        Args:
            path: the folder that `save` wrote, or an MLflow model that holds it.
            device: of the networks.

        Raises:
            ArtifactError: the folder is missing, damaged or of a later format.
            SettingError: the device is missing.
        """
        folder = locate_artifact(Path(path))
        trained = unpack(folder, *read_artifact(folder), pick_device(device))
        config = trained.config
        forecaster = cls(
            windows=config.windows, model=config.model, training=config.training
        )
        forecaster.trained = trained
        return forecaster

    @property
    def predictor(self) -> Predictor:
        """The trained state, ready to forecast arrays.

        Raises:
            NotFittedError: the forecaster has not been trained.
        """
        trained = self.trained
        if self._predictor is None or self._predictor.model is not trained:
            self._predictor = Predictor(trained)
        return self._predictor


def _to_panel(
    series: "Panel | FrameLike",
    source: TrainedModel | None,
    settings: Mapping[str, Any],
) -> Panel:
    """Return a panel as it is, and a frame as a panel, read as that of a source."""
    if not isinstance(series, Panel):
        if source is None:
            return read_frame(series, **settings)
        return read_latest(series, source.context, **settings)
    if settings:
        name, value = next(iter(settings.items()))
        raise SettingError(name, value, "left out for a panel, which has been read")
    return series


def _drop_short(panel: Panel, required: int) -> Panel:
    """Return the series of a length; the same panel if all or none has it."""
    series = np.flatnonzero(panel.lengths >= required)
    if len(series) in (0, len(panel)):
        return panel
    return panel.pieces(series, np.zeros_like(series), panel.lengths[series])
