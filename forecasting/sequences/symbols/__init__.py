"""The next symbol of discrete series.

model        `SymbolModel`: fit, score, predict, sample
generation   symbols drawn one at a time
streams      chunks of series, whose state is carried on
alphabet     symbols as codes
"""
