"""Output for people: plots, progress bars, table files."""
