"""HTML of cards: escaped, bounded, and without scripts or outside resources."""

import math

import numpy as np
import pandas as pd
import pytest
from jinja2 import UndefinedError

from forecasting.display.html import (
    Bar,
    BarTable,
    Card,
    Table,
    environment,
    format_cell,
    render,
    shorten_list,
)

HOSTILE = '<script>alert("x")</script>&\'{{ 7 * 7 }}'


def test_every_value_of_a_card_is_escaped():
    card = Card(
        title=HOSTILE,
        sentence=HOSTILE,
        facts=[(HOSTILE, HOSTILE)],
        bars=[
            BarTable(
                columns=[HOSTILE, HOSTILE, HOSTILE],
                bars=[Bar(label=HOSTILE, value=1.0, cells=[HOSTILE])],
                title=HOSTILE,
            )
        ],
        tables=[Table(columns=[HOSTILE], rows=[[HOSTILE]], total=1, title=HOSTILE)],
        notes=[HOSTILE],
    )

    page = card.to_html()

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 14
    assert page.count("{{ 7 * 7 }}") == 14


def test_a_card_loads_nothing_and_brings_its_style():
    page = Card(title="a").to_html()

    assert page.count("<style>") == 1
    assert ".recast" in page
    for word in ("http:", "https:", "url(", "@import", "<script", "<link", "onload"):
        assert word not in page


def test_a_table_of_a_long_frame_shows_its_first_rows_and_counts_them():
    frame = pd.DataFrame({"name": ["n" * 5000] * 12_345, "value": 1234.567})

    table = Table.of(frame)
    page = Card(title="long", tables=[table]).to_html()

    assert (len(table.rows), table.left_out) == (10, 12_335)
    assert "12,345 rows in all" in page
    assert page.count('<td class="number">1,235</td>') == 10
    assert len(page) < 10_000


def test_bars_share_a_scale_and_a_missing_value_has_none():
    bars = [
        Bar(label="model", value=2.0, is_main=True),
        Bar(label="naive", value=8.0),
        Bar(label="unknown", value=math.nan),
    ]
    table = BarTable(columns=["method", "error"], bars=bars)

    page = Card(title="errors", bars=[table]).to_html()

    assert [table.width(bar) for bar in bars] == [25.0, 100.0, 0.0]
    assert 'rect width="25.0%"' in page
    assert page.count('<tr class="main">') == 1


def test_bars_of_zeros_and_infinities_have_no_length():
    bars = [Bar(label="a", value=0.0), Bar(label="b", value=math.inf)]

    table = BarTable(columns=["a", "b"], bars=bars)

    assert [table.width(bar) for bar in bars] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.567, "1,235"),
        (np.float64(0.51234), "0.5123"),
        (math.nan, "-"),
        (np.int64(12345), "12,345"),
        (True, "True"),
        (np.bool_(True), "True"),
        (None, "-"),
        (pd.NaT, "-"),
        (pd.Timestamp("2024-03-01"), "2024-03-01"),
        (np.datetime64("2024-03-01T12:30", "ns"), "2024-03-01 12:30:00"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_a_cell_is_readable(value, text):
    assert format_cell(value) == text


def test_a_list_of_names_is_cut():
    names = [f"shop {i}" for i in range(7)]

    text = shorten_list(names)

    assert text == "shop 0, shop 1, shop 2, shop 3, shop 4, ... (7 in all)"
    assert len(shorten_list(["n" * 500])) == 40


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError, match="card"):
        render("card.html")


def test_a_macro_is_usable_in_other_templates():
    page = (
        environment()
        .from_string('{% import "macros.html" as ui %}{{ ui.facts([("a", 1500)]) }}')
        .render()
    )

    assert "<dt>a</dt><dd>1,500</dd>" in page
