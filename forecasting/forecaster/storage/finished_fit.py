"""A finished fit in a checkpoint: an interrupted job does not repeat it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from forecasting.forecaster.storage.artifact import pack, unpack
from forecasting.forecaster.trained_model import GlobalModel
from forecasting.intervals.calibration import Calibration
from forecasting.intervals.errors import ForecastErrors
from forecasting.training import Checkpoint, EpochRecord, TrainingState

CALIBRATION = "calibration."  # prefix of its tensors


@dataclass(frozen=True, slots=True)
class FinishedFit:
    """Everything that a fit leaves in a forecaster.

    Attributes:
        trained: networks, statistics, guard.
        calibration: of the intervals.
        history: one record per epoch and member.
    """

    trained: GlobalModel
    calibration: Calibration
    history: Sequence[EpochRecord]

    def to_state(self) -> TrainingState:
        """Return the fit as numbers and text."""
        config, tensors = pack(self.trained)
        errors = self.calibration.errors
        arrays = {
            "residuals": errors.residuals,
            "volatility": errors.volatility,
            "factors": self.calibration.factors,
        }
        if errors.log_units is not None:
            arrays["log_units"] = errors.log_units
        tensors |= {
            CALIBRATION + name: torch.from_numpy(np.ascontiguousarray(array))
            for name, array in arrays.items()
        }
        facts = {
            "config": config,
            "history": [asdict(record) for record in self.history],
            "moments": self.calibration.moments,
            "overlap": errors.overlap,
        }
        return TrainingState(tensors, facts)

    @classmethod
    def load(
        cls,
        checkpoint: Checkpoint | None,
        device: torch.device,
        on_epoch: Callable[[EpochRecord], None] | None,
    ) -> "FinishedFit | None":
        """Return the fit in a checkpoint, if any; ``on_epoch`` gets its records again.

        Raises:
            CheckpointError, ArtifactError: the checkpoint cannot be used.
        """
        state = None if checkpoint is None else checkpoint.load()
        if checkpoint is None or state is None:
            return None
        fit = cls.from_state(checkpoint.path, state, device)
        if on_epoch is not None:
            for record in fit.history:
                on_epoch(record)
        return fit

    @classmethod
    def from_state(
        cls, path: Path, state: TrainingState, device: torch.device
    ) -> "FinishedFit":
        """Return the fit of a state, with its networks on a device.

        Raises:
            ArtifactError: parts of the state in the file ``path`` are missing.
        """
        facts: dict[str, Any] = state.facts
        trained = unpack(path, facts["config"], state.tensors, device)
        arrays = {
            name.removeprefix(CALIBRATION): tensor.numpy()
            for name, tensor in state.tensors.items()
            if name.startswith(CALIBRATION)
        }
        calibration = Calibration(
            method=trained.config.model.intervals,
            errors=ForecastErrors(
                residuals=arrays["residuals"],
                volatility=arrays["volatility"],
                log_units=arrays.get("log_units"),
                overlap=facts["overlap"],
            ),
            factors=arrays["factors"],
            moments=facts["moments"],
            table=trained.intervals,
        )
        history = [EpochRecord(**record) for record in facts["history"]]
        return cls(trained, calibration, history)
