"""Sentences on the evidence behind a score."""

import math

from forecasting.display.wording import count
from forecasting.evaluation.skill import LEVEL, MIN_CUTOFFS, Evidence, Skill


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


def describe_skill(skill: Skill) -> str:
    """Return a skill with its interval: ``+61.5% (95% interval +52% to +70%)``."""
    lower, upper = skill.interval()
    text = f"{skill.value:+.1%}"
    if not math.isfinite(lower):
        return text
    return f"{text} ({LEVEL:g}% interval {lower:+.0%} to {upper:+.0%})"
