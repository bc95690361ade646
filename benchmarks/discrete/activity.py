"""Labels of steps: activities that follow one another, and a classifier of windows.

The training series of BasicMotions (standing, running, walking, badminton; six channels
of a watch, 100 steps each) are joined in random order to one series, and those of its
test part to another. Each step has the label of its activity.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from forecasting import read_archive

SET = "BasicMotions"
RADIUS = 12  # steps before and after the middle of a window
Steps = tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]


def join_activities(folder: Path, part: str, seed: int) -> Steps:
    """Return a series ``(steps, channels)`` and the label of each step.

    Args:
        folder: of the archive's sets.
        part: ``TRAIN`` or ``TEST``.
        seed: of the order.
    """
    series, labels = read_archive(folder / SET / f"{SET}_{part}.ts")
    order = np.random.default_rng(seed).permutation(len(series))
    values = np.concatenate([series[at] for at in order])
    return values, np.concatenate([[labels[at]] * len(series[at]) for at in order])


class WindowClassifier:
    """A multilayer perceptron on the steps around each step."""

    def fit(
        self, values: npt.NDArray[np.float64], labels: npt.NDArray[np.str_]
    ) -> None:
        """Train on a series ``(steps, channels)`` with a label at each step."""
        network = MLPClassifier((64,), max_iter=200, random_state=0)
        self.model = make_pipeline(StandardScaler(), network)
        self.model.fit(_windows(values), labels)

    def predict(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
        """Return the label of each step, ``(steps,)``."""
        labels: npt.NDArray[np.str_] = self.model.predict(_windows(values))
        return labels


def _windows(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the steps around each step, the ends repeated, ``(steps, numbers)``."""
    padded = np.pad(values, ((RADIUS, RADIUS), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * RADIUS + 1, axis=0)
    return windows.reshape(len(values), -1)
