"""What lies before many origins, so much at a time as memory shall hold."""

from collections.abc import Iterator

import numpy as np

from forecasting.fitted import Fitted
from forecasting.histories import Rows, check_lengths, find_places, memory, read_rows
from forecasting.series import Panel
from forecasting.splits import Origins

BLOCK = 8192  # origins at a time, and
POINTS = 2**20  # observations before them


def read_blocks(
    fitted: Fitted, panel: Panel, origins: Origins, steps: int
) -> Iterator[tuple[slice, Rows]]:
    """Yield what `read_rows` reads, block after block.

    Args:
        fitted, panel, origins, steps: see `read_rows`.

    Yields:
        Which of the origins, and what lies before them.

    Raises:
        SeriesTooShort, InvalidValues, MissingCovariates, SettingError: as `read_rows`.
    """
    if len(origins) == 1:
        yield slice(0, 1), read_rows(fitted, panel, origins, steps)
        return
    check_lengths(fitted, panel, origins)  # of all, to name all
    most = memory(fitted.networks[0], fitted.normalizer.method)
    known = find_places(fitted, panel, origins) >= 0
    read = np.where(known, np.minimum(origins.ends, most), origins.ends)
    until, begin = np.cumsum(read), 0
    while begin < len(origins):
        limit = until[begin] - read[begin] + POINTS
        held = int(np.searchsorted(until, limit, side="right")) - begin
        block = slice(begin, begin + min(max(held, 1), BLOCK))
        own = Origins(series=origins.series[block], ends=origins.ends[block])
        yield block, read_rows(fitted, panel, own, steps)
        begin = block.stop
