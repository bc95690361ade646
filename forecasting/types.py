"""Array types shared by the packages of the library."""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Timestamps = npt.NDArray[Any]
"""``datetime64[ns]``, or ``int64`` steps where a series has no dates."""
