"""The views "How good", "Models" and "Try", and the ways between them."""

import re

import pandas as pd
import pytest

DAYS = pd.date_range("2024-01-01", periods=90)
ROWS = [f"{day:%d.%m.%Y};{20 + 7 * k % 13},5\n" for k, day in enumerate(DAYS)]
GERMAN_CSV = "Tag;Umsatz\n" + "".join(ROWS)
WEEKLY = [50.5, 90.0, 70.5, 60.0, 80.5, 120.0, 30.5]


@pytest.fixture
def quality(browser, service):
    page = browser.open(service.url + "/?model=shops&tab=quality")
    page.one("#quality .dial")
    return page


def test_the_errors_are_in_the_unit_of_the_data_beside_simple_methods(quality):
    board = quality.text("#quality table")

    assert "this answers" in board
    assert "same day last week" in board
    assert "Typical miss of sales" in quality.text("#quality")
    assert quality.errors() == []


def test_the_intervals_are_counted_in_a_hundred(quality):
    dials = [dial.text for dial in quality.all("#quality .dial")]

    assert re.fullmatch(r"\d+ of 100 inside 80 %", dials[0])
    assert re.fullmatch(r"\d+ of 100 inside 95 %", dials[1])


def test_every_figure_is_explained_and_the_keyboard_opens_it(quality):
    summaries = quality.all("#quality .glossary summary")

    for summary in summaries:
        quality.run("arguments[0].focus()", summary)
        quality.press("\ue007")  # enter

    explanations = quality.all("#quality .glossary details[open] p")
    assert len(explanations) == len(summaries) >= 6
    assert all(len(paragraph.text) > 60 for paragraph in explanations)


def test_the_error_by_step_is_there_in_numbers(quality):
    quality.click("#quality .figure summary")

    rows = quality.all("#quality .figure tbody tr")
    assert len(rows) == 7


def test_the_worst_series_leads_to_its_forecast(quality):
    link = quality.one("#quality table.series a")
    series = link.text

    quality.click("#quality table.series a")

    quality.drawn(series)
    assert quality.query()["series"] == series


def test_the_worst_moment_leads_to_the_chart_zoomed_there(quality):
    quality.click("#quality table.moments a")

    quality.drawn()
    query = quality.query()
    assert "2024-01-01" < query["from"] < query["to"] < "2024-05-01"
    quality.driver.back()
    quality.one("#quality .dial")


def test_two_versions_are_ticked_and_laid_over_each_other(browser, service):
    page = browser.open(service.url + "/?model=shops&tab=models")
    page.one("#models tbody tr:nth-child(2)")

    for box in page.all("#models input[type=checkbox]"):
        box.click()
    page.click("#overlay")
    page.drawn()

    page.wait_for("version 1", "#chart .legend")
    query = page.query()
    assert (query["version"], query["compare"]) == ("2", "v1")


def test_a_version_tells_its_rows_window_error_and_evidence(browser, service):
    page = browser.open(service.url + "/?model=shops&tab=models")

    row = page.text("#models tbody tr.strong")

    for part in ("champion", "14 in, 7 ahead", "3 folds"):
        assert part in row
    assert page.errors() == []


def test_without_permission_there_is_no_button_to_promote_but_the_command(
    browser, service
):
    page = browser.open(service.url + "/?model=shops&tab=models")
    page.one("#models tbody tr")

    assert page.all("#rollback") == []
    assert "recast promote NAME VERSION" in page.text("#models")


def test_a_dropped_file_is_read_forecast_and_followed_by_its_command(browser, service):
    page = browser.open(service.url + "/?tab=try")

    page.drop("#try-drop", "umsatz.csv", GERMAN_CSV)
    page.one("#try-result canvas")

    text = page.text("#try-result")
    assert "commas before decimals" in text
    assert re.search(
        r"About [\d.]+ for .*2024, between [\d.]+ and [\d.]+ in 8 of 10", text
    )
    assert re.search(r"At \d+ earlier cut-offs it was off by", text)
    command = page.text("#try-result pre")
    assert command.startswith("recast train")
    assert "--horizon=14" in command
    assert page.errors() == []


def test_a_file_that_leaves_questions_open_is_asked_about(browser, service):
    page = browser.open(service.url + "/?tab=try")
    rows = "".join(f"2024-01-{k:02d},{k},{2 * k}\n" for k in range(1, 31))

    page.drop("#try-drop", "two.csv", "day,visits,sales\n" + rows)
    page.wait_for("The file leaves this open", "#try-options")
    page.select("#try-target", "sales")
    page.click("#try-read")

    page.one("#try-result canvas")
    assert "--target=sales" in page.text("#try-result pre")


def test_pasted_numbers_with_decimal_commas_are_read_as_they_are_meant(
    browser, service
):
    page = browser.open(service.url + "/?tab=try")

    page.type_into("#try-values", "1,5 2,5 3,5 4,5 " * 6)
    page.click("#try-read")

    page.wait_for("1.5; 2.5; 3.5; 4.5; …", "#try-result")
    assert "(24 values)" in page.text("#try-result")


def test_own_values_are_forecast_by_the_model_and_echoed(browser, service):
    page = browser.open(service.url + "/?model=branches").drawn("Branch 000")

    page.run("document.querySelector('input[value=sent]').click()")
    values = " ".join(f"{value:.1f}".replace(".", ",") for value in WEEKLY * 4)
    page.type_into("#values", values)
    page.click("#read")

    page.wait_for("50.5; 90; 70.5; 60; …", "#reading")
    page.drawn()
    assert page.numbers()[0][0].lower().startswith("step")
    page.click("#link")
    assert "does not hold your own values" in page.text("#taken")


def test_text_that_is_no_table_is_refused_with_its_place(browser, service):
    page = browser.open(service.url + "/?tab=try")

    page.type_into("#try-values", "day,sales\n2024-01-01,12\n2024-01-02,twelve\n")
    page.click("#try-read")

    page.one("#notices .bad, #try-options h3")
