"""Pretraining of networks on synthetic series: `python -m forecasting.pretraining`.

components      seasons, shocks, slow functions
processes       families of series: state space, regimes, smooth, profiles, counts
effects         outliers, steps, spikes, flips, limits, units
prior           the mixture of all of them, from a seed
recipe          prior, network and training of each season length
training        from a recipe to a forecaster, and to its files
validation      errors on series that no network has seen
"""
