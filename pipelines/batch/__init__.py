"""Many jobs: their plan, the processes that run them, the display and the report."""
