"""Models of the MLflow registry, in memory and on disk.

mlflow_registry   read-only gateway to the registry
snapshot          versions and aliases of a model at one moment
loaded_model      a version in memory, after a trial forecast
model_store       versions that answer, and their swap
poller            periodic refresh
lru_cache         versions in memory, least recently used out first
load_failures     versions that failed to load, and the pause before the next try
disk_cache        versions on disk, for starts without a registry
cache_repair      refill of a damaged disk cache
description       public description of a model
"""
