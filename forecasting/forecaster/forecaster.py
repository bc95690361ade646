"""`Forecaster`: fit recurrent networks, forecast with intervals, save and load."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd

from forecasting.data.covariates import BySeries
from forecasting.data.forecast import (
    Forecast,
    Intervals,
    check_horizon,
    check_levels,
)
from forecasting.data.panel import Panel
from forecasting.data.splits import Origins, drop_short, timestamps_at
from forecasting.data.windows import WindowSpec
from forecasting.devices import Device, pick_device
from forecasting.errors import NotFittedError, SettingError
from forecasting.evaluation.backtest import EvaluationConfig, Metric
from forecasting.forecaster.cards import (
    describe_forecaster,
    forecaster_card,
    list_series,
)
from forecasting.forecaster.fit import fit_model
from forecasting.forecaster.local.calibration import calibrate_each
from forecasting.forecaster.local.models import LocalModels
from forecasting.forecaster.local.predictor import AnyPredictor, make_predictor
from forecasting.forecaster.predict import (
    compute_intervals,
    continue_series,
    forecast,
    measure_errors,
)
from forecasting.forecaster.predictor import Predictor
from forecasting.forecaster.storage.models import read_model, write_model
from forecasting.forecaster.storage.pretrained import read_pretrained
from forecasting.forecaster.trained_model import ForecasterConfig, TrainedModel
from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.io import as_panel, read_latest
from forecasting.io.frames import FrameLike
from forecasting.models.config import RecurrentConfig
from forecasting.selection.guard import Rungs
from forecasting.training import Checkpoints, EpochRecord, TrainingConfig
from forecasting.types import FloatArray

if TYPE_CHECKING:
    from forecasting.display.backends import Axes, Backend
    from forecasting.evaluation.leaderboard import Backtest

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
        self._predictor: AnyPredictor | None = None
        self._shown: Panel | None = None  # series of the training, for plots
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
        choices: "Forecaster | Rungs | None" = None,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        checkpoints: Checkpoints | None = None,
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
                of a method for each series holds, or these; default: chosen anew.
            on_epoch: called after each epoch, for a progress bar or a log.
            checkpoints: folder to go on from after a training that was cut short, and
                to write to; the weights are those of an unbroken training, bit by bit.
            settings: attributes of `Schema` for a frame, such as ``target``.

        Raises:
            DataError: a frame cannot be read.
            SeriesTooShort: no series holds a window of seq_len + horizon.
            SettingError: the settings contradict each other, or those of ``start``.
            NotFittedError: ``start`` or ``choices`` has not been trained.
            TrainingDiverged: the loss became infinite.
            CheckpointError: a checkpoint cannot be used.
        """
        source = None if start is None else start.trained.as_global()
        panel = as_panel(panel, None if source is None else source.context, settings)
        if not self.model.guard:
            panel = drop_short(panel, self.config.min_history)
        fit = fit_model(
            panel,
            self.config,
            start=source,
            rungs=_find_rungs(choices, panel),
            on_epoch=on_epoch,
            checkpoints=checkpoints,
        )
        self._shown = panel
        self._calibration, self.history = fit.calibration, list(fit.history)
        self.trained = fit.trained
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
        steps = self.windows.horizon if horizon is None else check_horizon(horizon)
        result = continue_series(self.predictor, series, steps, levels)
        if panel is None and self._shown is not None:
            return replace(result, history=self._shown)  # longer than the context
        return result

    def backtest(
        self,
        panel: "Panel | FrameLike",
        *,
        folds: int | Literal["auto"] = "auto",
        refit: bool = False,
        season_length: int | Literal["auto"] = "auto",
        levels: Iterable[float] = LEVELS,
        metric: Metric = "mase",
        on_epoch: Callable[[EpochRecord], None] | None = None,
        **settings: Any,
    ) -> "Backtest":
        """Measure these settings on the past, beside baselines; self is not changed.

        Others with the same settings are trained, from random weights or those of the
        package, on the observations before the first fold, then forecast each fold.

        Args:
            panel: series, a panel or frame as in `fit`; a trained forecaster reads a
                frame as it read that of its training.
            folds, refit, season_length, levels, metric: see
                `forecasting.evaluation.backtest.EvaluationConfig`.
            on_epoch: called after each epoch of a training.
            settings: attributes of `Schema` for a frame, such as ``target``.

        Raises:
            DataError: a frame cannot be read.
            SeriesTooShort: no series leaves a window to train on before the folds.
            SettingError: a setting is out of range, or settings contradict each other.
        """
        from forecasting.forecaster.backtest import backtest_forecaster

        evaluation = EvaluationConfig(
            folds=folds,
            refit=refit,
            season_length=season_length,
            levels=check_levels(levels),
            metric=metric,
        )
        context = None if self._trained is None else self._trained.context
        series = as_panel(panel, context, settings)
        return backtest_forecaster(self.config, series, evaluation, on_epoch)

    def plot(
        self,
        series: "str | Sequence[str] | None" = None,
        *,
        horizon: int | None = None,
        levels: Iterable[float] = LEVELS,
        ax: "Axes | None" = None,
        backend: "Backend" = "matplotlib",
    ) -> Any:
        """Draw the forecast after the series of the training; return the figure.

        Args:
            series: ids of the series to draw; default the first four.
            horizon, levels: see `predict`.
            ax, backend: see `Forecast.plot`.

        Raises:
            NotFittedError, MissingCovariates, SettingError: as `predict`.
            UnknownSeries: the training had no such series.
        """
        forecast = self.predict(horizon=horizon, levels=levels)
        return forecast.plot(series, ax=ax, backend=backend)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a series of the training: ``series_id, last, method``.

        Raises:
            NotFittedError: the forecaster has not been trained.
        """
        return list_series(self.trained)

    def __repr__(self) -> str:
        return describe_forecaster(self.config, self._trained)

    def _repr_html_(self) -> str:
        return forecaster_card(self.config, self._trained).to_html()

    def without_guard(self) -> "Forecaster":
        """Return the forecaster with the forecasts of its networks for all series.

        Its intervals are not calibrated for them.
        """
        return Forecaster.of(self.trained.without_guard())

    def calibrate(self, panel: Panel, origins: Origins, points: FloatArray) -> Self:
        """Update the intervals with the errors of past forecasts.

        Errors are added from the oldest origins to the latest.

        Args:
            panel: the series, up to the end of the forecasts.
            origins: origins of the forecasts.
            points: out-of-sample forecasts, original units, ``(origins, horizon)``.
        """
        if isinstance(self.trained, LocalModels):
            self.trained = calibrate_each(self.trained, panel, origins, points)
            return self
        assert isinstance(self.predictor, Predictor)
        self._calibration = self._calibration.update(
            measure_errors(self.predictor, panel, origins, points),
            timestamps_at(panel, origins),
        )
        table = self._calibration.table
        self.trained = replace(self.trained.as_global(), intervals=table)
        return self

    def save(self, path: str | Path) -> None:
        """Write the model to a folder, atomically.

        Raises:
            NotFittedError: the forecaster has not been trained.
            ArtifactError: the folder cannot be written.
        """
        write_model(Path(path), self.trained)

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
        return cls.of(read_model(Path(path), pick_device(device)))

    @classmethod
    def pretrained(cls, *, season_length: int, horizon: int = 12) -> "Forecaster":
        """Return a forecaster of the package, trained on synthetic series alone.

        It forecasts any series by `predict`, and is a start for `fit`. Its own context
        are two synthetic series.

        Args:
            season_length: steps of a season; 1 for none.
            horizon: steps ahead of one pass of the network, at most those it was
                trained for; `predict` feeds forecasts back beyond them.

        Raises:
            SettingError: there is no network for this season, or it was trained for
                fewer steps.
        """
        trained = read_pretrained(season_length, horizon, pick_device("auto"))
        if trained.horizon < horizon:
            expected = (
                f"at most {trained.horizon} for season_length {season_length}; "
                "predict(horizon=...) goes further"
            )
            raise SettingError("horizon", horizon, expected)
        return cls.of(trained)

    @classmethod
    def of(cls, trained: TrainedModel) -> "Forecaster":
        """Return the forecaster of a trained model."""
        config = trained.config
        forecaster = cls(
            windows=config.windows, model=config.model, training=config.training
        )
        forecaster.trained = trained
        return forecaster

    @property
    def predictor(self) -> AnyPredictor:
        """The trained state, ready to forecast arrays.

        Raises:
            NotFittedError: the forecaster has not been trained.
        """
        trained = self.trained
        if self._predictor is None or self._predictor.model is not trained:
            self._predictor = make_predictor(trained)
        return self._predictor


def _find_rungs(choices: "Forecaster | Rungs | None", panel: Panel) -> Rungs | None:
    """Return the guard's choices for the series of a panel."""
    if not isinstance(choices, Forecaster):
        return choices
    return choices.trained.as_global().find_rungs(panel.series_ids)
