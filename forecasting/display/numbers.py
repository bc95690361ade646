"""Numbers for readers: significant digits without powers of ten, thousands marked."""

import math
from collections.abc import Iterable

FILE_DIGITS = 6  # significant digits in a file, unless all are asked for
LARGE = 1e15  # from here on a power of ten is easier to read


def readable(value: float, digits: int = 4) -> str:
    """Format a number with a count of significant digits; all digits before the point.

    >>> readable(123280.4), readable(0.51234), readable(float("nan"))
    ('123,280', '0.5123', '-')
    """
    if not math.isfinite(value):
        return "-" if math.isnan(value) else str(value)
    if 10 ** (digits - 1) <= abs(value) < LARGE:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def count_decimals(values: Iterable[float], digits: int = 5) -> int:
    """Count the decimals that give the largest of the values its significant digits.

    >>> count_decimals([41.6, 9.2]), count_decimals([123280.0]), count_decimals([0.0])
    (3, 0, 4)
    """
    finite = (abs(value) for value in values if math.isfinite(value))
    largest = max(finite, default=0.0)
    whole = math.floor(math.log10(largest)) + 1 if largest > 0 else 1
    return min(max(digits - whole, 0), 2 * digits)


def round_significant(value: float, digits: int = FILE_DIGITS) -> float:
    """Round a number to a count of significant digits.

    >>> round_significant(41.62391234), round_significant(1234567.8)
    (41.6239, 1234570.0)
    """
    return float(f"{value:.{digits}g}")
