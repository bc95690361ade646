"""Short sentences: counts with their nouns, lists, the methods that answer."""

from collections.abc import Mapping, Sequence
from textwrap import fill

CAPTION_WIDTH = 100  # characters of a line


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "fold"), count(1200, "fold"), count(2, "series", "series")
    ('1 fold', '1,200 folds', '2 series')
    """
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"


def join_words(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def describe_methods(methods: Mapping[str, int]) -> str:
    """Describe the methods that answer: ``seasonal naive for 3 of 5 series, ...``.

    Args:
        methods: number of series by method, the most frequent first.
    """
    total = sum(methods.values())
    if len(methods) == 1:
        return next(iter(methods)).replace("_", " ")
    return ", ".join(
        f"{name.replace('_', ' ')} for {number} of {total} series"
        for name, number in methods.items()
    )


def describe_levels(levels: Sequence[float]) -> str:
    """Describe central intervals by their levels in percent: ``80 and 95 %``."""
    return f"{join_words([f'{level:g}' for level in levels])} %" if levels else "none"


def make_caption(label: str, answers: str, score: str) -> str:
    """Return the title of a figure: the methods, and the score with its evidence.

    Args:
        label: name of the model in the leaderboard.
        answers: the methods that answer, in words.
        score: error of the backtest, with the number of origins.
    """
    lines = (f"{label}; answers: {answers}", score)
    return "\n".join(fill(line, CAPTION_WIDTH) for line in lines if line)
