"""Series with labels from the text forms of the UCR and UEA archives.

.tsv    a series a line: the label, then the values, with tabs or commas between
.ts     header lines with @, then a series a line: channels with a colon between,
        values with commas, the label last
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from forecasting.errors import UnreadableData
from forecasting.types import FloatArray

Labelled = tuple[list[FloatArray], list[str]]  # series (steps, channels), labels
ADVICE = "Give a file of the UCR or UEA archive: .tsv, .txt or .ts."


def read_archive(path: Path | str) -> Labelled:
    """Read a file of the UCR or UEA archive.

    Args:
        path: ends in ``.ts``, ``.tsv`` or ``.txt``.

    Returns:
        Series ``(steps, channels)``, and their labels.

    Raises:
        UnreadableData: no file, no series, or a line that cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableData(path, "it cannot be read as text", ADVICE) from error
    is_ts = path.suffix == ".ts"
    parse = _parse_ts if is_ts else _parse_tsv
    series, labels = list[FloatArray](), list[str]()
    for number, line in _data_lines(text, is_ts):
        try:
            one, label = parse(line)
        except ValueError as error:
            problem = f"line {number} cannot be read ({error})"
            raise UnreadableData(path, problem, ADVICE) from error
        series.append(one)
        labels.append(label)
    if not series:
        raise UnreadableData(path, "there is no series in it", ADVICE)
    return series, labels


def _data_lines(text: str, is_ts: bool) -> Iterator[tuple[int, str]]:
    """Yield the lines of data with their numbers; of a .ts, those after ``@data``."""
    in_data = not is_ts
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if in_data and line and not line.startswith("#"):
            yield number, line
        in_data = in_data or line.lower() == "@data"


def _parse_ts(line: str) -> tuple[FloatArray, str]:
    *channels, label = line.split(":")
    if not channels:
        raise ValueError("there is no label after a colon")
    columns = [_numbers(channel.split(",")) for channel in channels]
    if len({len(column) for column in columns}) > 1:
        raise ValueError("its channels differ in length")
    return np.stack(columns, 1), label.strip()


def _parse_tsv(line: str) -> tuple[FloatArray, str]:
    label, *values = line.replace(",", " ").split()
    numbers = _numbers(values)
    valid = np.flatnonzero(~np.isnan(numbers))
    if not len(valid):
        raise ValueError("there is no value after the label")
    return numbers[: valid[-1] + 1, None], label.strip()  # NaN pads unequal series


def _numbers(values: Sequence[str]) -> FloatArray:
    return np.array([np.nan if v.strip() == "?" else float(v) for v in values])
