"""Sentences on the methods that answer, and on the evidence behind a score."""

import math
from collections.abc import Mapping, Sequence
from textwrap import fill

from forecasting.evaluation.skill import LEVEL, MIN_CUTOFFS, Evidence, Skill

CAPTION_WIDTH = 100  # characters of a line


def describe_methods(methods: Mapping[str, int]) -> str:
    """Describe the methods that answer: ``seasonal naive for 3 of 5 series, ...``.

    Args:
        methods: number of series by method, the most frequent first.
    """
    total = sum(methods.values())
    if len(methods) == 1:
        return next(iter(methods)).replace("_", " ")
    return ", ".join(
        f"{name.replace('_', ' ')} for {count} of {total} series"
        for name, count in methods.items()
    )


def describe_evidence(evidence: Evidence) -> str:
    """Describe the size of a test and the interval of the skill, in one line.

    ``4 folds, 12 origins of 3 series; skill +61.5% (95% interval +52% to +70%)``; of
    few folds, that they say almost nothing.
    """
    folds, origins = count(evidence.folds, "fold"), count(evidence.origins, "origin")
    text = f"{folds}, {origins} of {count(evidence.series, 'series', 'series')}"
    if evidence.folds < MIN_CUTOFFS:
        verb = "say" if evidence.folds > 1 else "says"
        text += f"; {folds} {verb} almost nothing"
    if math.isfinite(evidence.skill.value):
        text += f"; skill {describe_skill(evidence.skill)}"
    return text


def make_caption(label: str, answers: str, score: str) -> str:
    """Return the title of a figure: the methods, and the score with its evidence.

    Args:
        label: name of the model in the leaderboard.
        answers: the methods that answer, in words.
        score: error of the backtest, with the number of origins.
    """
    lines = (f"{label}; answers: {answers}", score)
    return "\n".join(fill(line, CAPTION_WIDTH) for line in lines if line)


def describe_skill(skill: Skill) -> str:
    """Return a skill with its interval: ``+61.5% (95% interval +52% to +70%)``."""
    lower, upper = skill.interval()
    text = f"{skill.value:+.1%}"
    if not math.isfinite(lower):
        return text
    return f"{text} ({LEVEL:g}% interval {lower:+.0%} to {upper:+.0%})"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 fold``, ``2 folds``."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"


def join_words(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
