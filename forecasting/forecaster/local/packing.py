"""Models of many series as stacked tensors, and back.

Each model is packed as by `forecasting.forecaster.storage.artifact.pack`. Tensors of
the same name are stacked, ``(series, ...)``; the observations, whose number differs,
are laid one after another. Settings that all share are stored once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from forecasting.errors import ForecastingError, ShapeError
from forecasting.forecaster.storage.artifact import (
    ZERO_SHOT_FORMAT,
    damaged_artifact,
    pack,
    unpack,
)
from forecasting.forecaster.trained_model import GlobalModel
from forecasting.intervals.table import IntervalTable
from forecasting.selection.rungs import ZERO_SHOT

LOCAL_FORMAT = 4  # earlier versions of Recast read formats up to 3
VARIED = ("normalization", "non_negative", "relative_intervals", "guard")
OBSERVATIONS = ("context.values", "context.timestamps")
OFFSETS = "context.offsets"
INTERVALS = ("intervals.quantiles", "intervals.scaling")


@dataclass(frozen=True, slots=True)
class PackedModels:
    """Models of one series each.

    Attributes:
        shared: settings of all.
        series_ids: names of the series.
        varied: settings of each, by the names in `VARIED`.
        tensors: by name, ``(series, ...)``; the observations ``(points,)``, with the
            borders of the series, ``(series + 1,)``.
    """

    shared: dict[str, Any]
    series_ids: tuple[str, ...]
    varied: list[dict[str, Any]]
    tensors: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.series_ids)

    @classmethod
    def of(cls, models: Sequence[GlobalModel]) -> Self:
        """Pack models of one series each, with the same settings and no covariates."""
        packed = [pack(model) for model in models]
        configs = [config for config, _ in packed]
        rows = {
            name: [tensors[name] for _, tensors in packed]
            for name in packed[0][1]
            if name != OFFSETS
        }
        lengths = [len(values) for values in rows[OBSERVATIONS[0]]]
        tensors = {
            name: torch.cat(parts) if name in OBSERVATIONS else torch.stack(parts)
            for name, parts in rows.items()
        }
        tensors[OFFSETS] = torch.tensor([0, *lengths]).cumsum(0)
        return cls(
            shared=_share(configs),
            series_ids=tuple(name for c in configs for name in c["series_ids"]),
            varied=[{k: c[k] for k in VARIED if k in c} for c in configs],
            tensors=tensors,
        )

    @classmethod
    def join(cls, parts: Iterable[Self]) -> Self:
        """Join the models of several blocks of series, in their order."""
        blocks = list(parts)
        if len(blocks) == 1:
            return blocks[0]
        tensors = {
            name: torch.cat([block.tensors[name] for block in blocks])
            for name in blocks[0].tensors
            if name != OFFSETS
        }
        lengths = torch.cat([block.tensors[OFFSETS].diff() for block in blocks])
        tensors[OFFSETS] = torch.cat([torch.zeros_like(lengths[:1]), lengths.cumsum(0)])
        return cls(
            shared=_share([block.shared for block in blocks]),
            series_ids=tuple(name for block in blocks for name in block.series_ids),
            varied=[settings for block in blocks for settings in block.varied],
            tensors=tensors,
        )

    @property
    def uses_zero_shot(self) -> bool:
        """Whether the zero-shot forecast answers for any series."""
        rungs = self.tensors.get("guard.by_series")
        return rungs is not None and bool((rungs == ZERO_SHOT).any())

    def to_artifact(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return settings that JSON can hold, and named tensors."""
        config = {
            **self.shared,
            "format_version": ZERO_SHOT_FORMAT if self.uses_zero_shot else LOCAL_FORMAT,
            "series_ids": list(self.series_ids),
            "local": self.varied,
        }
        return config, {name: t.contiguous() for name, t in self.tensors.items()}

    @classmethod
    def from_artifact(
        cls, path: Path, config: dict[str, Any], tensors: dict[str, Tensor]
    ) -> Self:
        """Read the result of `to_artifact`.

        Raises:
            ArtifactError: parts of the model at ``path`` are missing or inconsistent.
        """
        try:
            packed = cls(
                shared={
                    k: v for k, v in config.items() if k not in ("series_ids", "local")
                },
                series_ids=tuple(config["series_ids"]),
                varied=[dict(settings) for settings in config["local"]],
                tensors=tensors,
            )
            packed._check()
            packed.unpack(0, path)
        except (LookupError, TypeError, ValueError, ForecastingError) as error:
            raise damaged_artifact(path, f"{type(error).__name__}: {error}") from error
        return packed

    def _check(self) -> None:
        """Check that there is a row for each series, and that intervals are numbers.

        Raises:
            ShapeError, ValueError, LookupError: there is not, or a bound is NaN.
        """
        count, offsets = len(self), self.tensors[OFFSETS]
        if not count or len({*self.series_ids}) < count or len(self.varied) != count:
            raise ValueError("series_ids are no different names, one of each model")
        for name, tensor in self.tensors.items():
            expected = count + (name == OFFSETS)
            if name in OBSERVATIONS:
                expected = int(offsets[-1])
            if tensor.ndim == 0 or len(tensor) != expected:
                raise ShapeError(name, tuple(tensor.shape), (expected,))
        if int(offsets[0]) != 0 or (offsets.diff() < 1).any():
            raise ValueError("context.offsets do not ascend within context.values")
        if not self.tensors["intervals.quantiles"].isfinite().all():
            raise ValueError("intervals.quantiles must be finite")

    def unpack(
        self, place: int, path: Path, device: torch.device | None = None
    ) -> GlobalModel:
        """Return the model of the series at ``place``.

        Args:
            place: position of the series.
            path: of the artifact, for messages.
            device: of the networks; default the CPU.

        Raises:
            ArtifactError: parts of that model are missing or inconsistent.
        """
        first, last = self.tensors[OFFSETS][place : place + 2].tolist()
        tensors = {
            name: tensor[first:last] if name in OBSERVATIONS else tensor[place]
            for name, tensor in self.tensors.items()
        }
        tensors[OFFSETS] = torch.tensor([0, last - first])
        config = {
            **self.shared,
            **self.varied[place],
            "series_ids": [self.series_ids[place]],
        }
        return unpack(path, config, tensors, device or torch.device("cpu"))

    def without(self, *prefixes: str) -> Self:
        """Return the models without the tensors of some prefixes."""
        kept = {k: v for k, v in self.tensors.items() if not k.startswith(prefixes)}
        return replace(self, tensors=kept)

    def without_guard(self) -> Self:
        """Return the models with the forecasts of their networks alone."""
        varied = [{k: v for k, v in s.items() if k != "guard"} for s in self.varied]
        return replace(self.without("guard."), varied=varied)

    def with_intervals(self, tables: Mapping[int, IntervalTable]) -> Self:
        """Return the models with other intervals of some series, by position."""
        tensors, varied = dict(self.tensors), list(self.varied)
        for name in INTERVALS:
            tensors[name] = tensors[name].clone()
        for place, table in tables.items():
            scaling = [table.scaling.exponent, table.scaling.typical]
            tensors[INTERVALS[0]][place] = torch.from_numpy(table.quantiles)
            tensors[INTERVALS[1]][place] = torch.tensor(scaling, dtype=torch.float64)
            varied[place] = {**varied[place], "relative_intervals": table.relative}
        return replace(self, tensors=tensors, varied=varied)


def _share(configs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the settings that all have; a normalisation that differs is ``auto``."""
    skipped = {*VARIED, "series_ids"}
    shared = {k: v for k, v in configs[0].items() if k not in skipped}
    methods = {config["model"]["normalization"] for config in configs}
    if len(methods) > 1:
        shared["model"] = {**shared["model"], "normalization": "auto"}
    return shared
