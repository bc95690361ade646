"""Series with labels, and series of symbols, from files and frames.

columns    columns of the data of a task
inference  columns that the user left open
sources    files of any form
tables     files and frames of the long form: a row for each step
archives   text forms of the UCR and UEA archives
labels     labels of steps as codes
"""
