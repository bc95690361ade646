"""Versions in memory, least recently used first, bounded by count and bytes."""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping

from serving.registry.loaded_model import LoadedModel

Key = tuple[str, str]  # name and version


class LruCache(Mapping[Key, LoadedModel]):
    """A bounded mapping of versions by name and number; reading is not using.

    Args:
        max_models: number of versions; the least recently used leaves first.
        max_bytes: of all versions together; a single version may have more.
    """

    def __init__(self, max_models: int, max_bytes: float = math.inf) -> None:
        self._max_models, self._max_bytes = max_models, max_bytes
        self._models: OrderedDict[Key, LoadedModel] = OrderedDict()

    def __getitem__(self, key: Key) -> LoadedModel:
        return self._models[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __delitem__(self, key: Key) -> None:
        del self._models[key]

    @property
    def num_bytes(self) -> int:
        """Bytes of the weights, tables and series of all versions."""
        return sum(model.num_bytes for model in self._models.values())

    def use(self, key: Key) -> LoadedModel | None:
        """Return a version and mark it the most recently used; None if not loaded."""
        model = self._models.get(key)
        if model is not None:
            self._models.move_to_end(key)
        return model

    def add(self, key: Key, model: LoadedModel) -> None:
        """Add a version and remove others until the bounds hold again."""
        self._models[key] = model
        self._models.move_to_end(key)
        while len(self._models) > 1 and (
            len(self._models) > self._max_models or self.num_bytes > self._max_bytes
        ):
            self._models.popitem(last=False)
