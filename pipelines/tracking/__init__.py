"""Everything that is written to MLflow: runs, metrics, models, versions, aliases."""
