"""Answers of trained models of discrete series.

tables       predictions as tables, a row for a series, a step or a symbol
evaluator    probabilities of a classifier, fast for one series
explanation  steps that decided on a class
pyfunc       the model as MLflow loads it
"""
