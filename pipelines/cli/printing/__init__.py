"""Results on the terminal: tables for people, JSON for programs."""
