"""Batches of scaled windows for training.

window_dataset   batches gathered by index on the device of the series
validation       evaluation of held-out windows, block by block
host_dataset     the same for panels larger than the memory of a GPU
"""
