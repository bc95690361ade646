"""The report as one HTML file: no script, no address outside, bounded in size."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader

from forecasting.display.html import environment
from forecasting.report.content import Report

MAX_BYTES = 300_000


def render_report(report: Report) -> str:
    """Return a report as the text of an HTML file; every value is escaped."""
    return _environment().get_template("report.html").render(report=report)


@cache
def _environment() -> Environment:
    """Return the environment of the cards' templates, and of those of the report."""
    loader = PackageLoader("forecasting.report")
    cards = environment().loader
    assert cards is not None
    return environment().overlay(loader=ChoiceLoader([loader, cards]))
