"""Output of jobs: plots, progress bars, CSV and PNG files."""
