"""MLflow tracking: runs, metrics, models, versions, aliases."""
