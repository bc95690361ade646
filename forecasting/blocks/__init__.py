"""A model a series, trained in blocks of series that bound the memory.

tasks.py         the backtests and the fits of one block
processes.py     blocks in processes, with a checkpoint each
"""
