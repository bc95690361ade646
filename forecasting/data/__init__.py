"""Series in memory, and the pieces that models read of them.

panel        one series or many in one flat array
covariates   further columns beside the target, and their future values
windows      (input, target) pairs by index, never stored
splits       forecast origins, rolling folds, cutoffs
forecast     points and intervals with their timestamps
"""
