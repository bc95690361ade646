"""Batches of scaled windows for training.

window_dataset   batches gathered by index on the device of the series
validation       evaluation of held-out windows, block by block
rows             rows in memory: windows, or series with their classes
host_dataset     the same for panels larger than the memory of a GPU
"""
