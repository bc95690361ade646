"""The work of an unfinished job: its identity, its files, its MLflow runs."""
