"""Models of the MLflow registry, in memory and on disk.

From the registry to an answer, each file using only those above it:

snapshot          versions and aliases of a model at one moment
load_failures     errors of loading, and the pause before the next try
mlflow_registry   gateway: names, aliases, versions and files, read only
disk_cache        versions on disk, for starts without a registry
description       public description of a model
loaded_model      loader: from a folder to a version in memory
warm_up           trial forecast before a version may answer
model_source      gateway, disk cache, loader and warm-up in this order
lru_cache         versions in memory, least recently used out first
model_store       versions that answer, and their swap
cache_repair      refill of a damaged disk cache
poller            periodic refresh
"""
