"""Sizes of windows: lookback, horizon and stride, without the import of torch."""

from dataclasses import dataclass

from forecasting.errors import SettingError

MAX_LENGTH = 10_000  # steps; a longer window is a typing error


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """Lookback, horizon and stride of windows.

    Attributes:
        seq_len: observations of the input.
        horizon: steps ahead of the target.
        stride: steps between the starts of neighbouring windows.

    Raises:
        SettingError: a length is not a whole number of at least 1.
    """

    seq_len: int = 5
    horizon: int = 2
    stride: int = 1

    def __post_init__(self) -> None:
        for name in ("seq_len", "horizon", "stride"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SettingError(name, value, "a whole number of at least 1")
            if value > MAX_LENGTH:
                raise SettingError(name, value, f"at most {MAX_LENGTH}")

    @property
    def length(self) -> int:
        """Number of observations in one window, input and target."""
        return self.seq_len + self.horizon
