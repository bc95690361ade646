"""Hyper-parameter search: the tune job, its study in Optuna and its space."""
