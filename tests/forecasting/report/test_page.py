"""The report is one file that opens offline, has every part and escapes each name."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from forecasting.report.content import NO_RECORD, Registered, make_report
from forecasting.report.page import MAX_BYTES, render_report

PLACE = Registered(
    name="shops", version="3", aliases=["champion"], verdict="the first <b>"
)
VOID = {"meta", "rect", "path"}


class Page(HTMLParser):
    """Elements of a page, its visible text, and its addresses."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts, self.addresses = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def html(model):
    return render_report(make_report(model.forecaster, model.record, PLACE))


def test_the_report_has_every_part(html, model):
    text = Page(html).text

    for heading in (
        "Forecast, and how past forecasts did",
        "Typical error, beside simple methods",
        "Error by step, and intervals",
        "Which method answers, per series",
        "What it looks at",
        "Data",
        "Notes of the reader",
        "Good for",
        "Not good for",
        "Settings",
    ):
        assert heading in text
    for part in (
        "version 3 champion",
        "Measured on 4 cutoffs of 7 days in 3 series",
        "Forecasts by the network.",
        "Promotion: the first <b>.",
        "forecast at the time (4 cutoffs)",
        "360 observations of sales",
        "2024-01-01 to 2024-04-29, frequency D",
        "0123456789abcdef",
        "Trained until 2024-04-29",
        "7 days in, 7 days ahead",
        "more than 7 days ahead",
        "recast train shops.csv --name shops",
        "promo 40",
    ):
        assert part in text, text


def test_the_file_is_complete_without_network_and_script(html):
    page = Page(html)

    assert page.open == []
    assert page.addresses == []
    assert "script" not in page.tags
    assert not re.search(r"https?://|url\(|@import", html)
    assert not {"link", "img", "iframe", "object", "form"} & {*page.tags}
    assert "default-src 'none'" in html
    assert "color-scheme" in html


def test_a_name_is_never_markup(html):
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_every_chart_has_a_text_alternative(html, model):
    labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', html)

    assert len(labels) == 5  # three series, the whole history of one, error by step
    errors = np.sort(model.record.figures.mae)[::-1]
    for label, error in zip([labels[0], labels[2], labels[3]], errors, strict=True):
        assert f"off by {error:.3g} on average" in label


def test_a_model_of_many_series_shows_the_worst_and_counts_the_rest(model_of_many):
    report = make_report(model_of_many.forecaster, model_of_many.record, PLACE)

    html = render_report(report)

    text = Page(html).text
    assert "... 70 rows in all" in text
    worst = model_of_many.record.figures.mae.max()
    assert report.series.rows[0][2] == pytest.approx(worst, rel=0.01)
    assert len(report.series.rows) == 50
    assert len(html.encode()) < MAX_BYTES


def test_a_report_of_the_largest_texts_stays_small(model):
    evaluation, facts = model.record.evaluation, model.record.facts
    long = "<" * 20_000
    facts = replace(facts, settings=long, command=long, notes=(long,) * 100)
    record = replace(model.record, facts=facts, evaluation=evaluation)

    html = render_report(make_report(model.forecaster, record, PLACE))

    assert len(html.encode()) < MAX_BYTES
    assert "more notes" in Page(html).text


def test_a_model_without_a_record_has_a_card_and_says_so(model):
    html = render_report(make_report(model.forecaster, None, Registered(name="old")))

    text = Page(html).text
    assert NO_RECORD in text
    assert "What it looks at" in text
    assert "target, 1 day before" in text or "sales, 1 day before" in text
    assert "Typical error" not in text
