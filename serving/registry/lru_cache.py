"""Versions in memory, bounded by number and bytes; least recently used out first."""

import math

from cachetools import Cache, LRUCache

from serving.registry.loaded_model import AnyModel
from serving.registry.snapshot import Key


class LruCache(LRUCache[Key, AnyModel]):
    """Versions by name and number; reading one marks it as used, iterating does not.

    Args:
        max_models: number of versions.
        max_bytes: of all versions together; a single version may have more.
    """

    def __init__(self, max_models: int, max_bytes: float = math.inf) -> None:
        super().__init__(max_bytes, lambda model: min(model.num_bytes, max_bytes))
        self._max_models = max_models

    def __setitem__(self, key: Key, model: AnyModel) -> None:
        super().__setitem__(key, model)
        while len(self) > self._max_models:
            self.popitem()

    @property
    def num_bytes(self) -> int:
        """Bytes of the weights, tables and series of all versions."""
        return sum(Cache.__getitem__(self, key).num_bytes for key in self)
