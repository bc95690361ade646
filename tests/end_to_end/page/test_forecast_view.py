"""The view "Forecast" as a person uses it: choose, search, zoom, ask what if."""

import re
import time

import httpx
import pandas as pd
import pytest

FIRST = "/?model=shops"


@pytest.fixture
def page(browser, service):
    """The page with the first series of the shops, drawn."""
    return browser.open(service.url + FIRST).drawn("north")


def api(service, path, **query):
    answer = httpx.get(f"{service.url}/v1/models/{path}", params=query, timeout=60)
    return answer.raise_for_status().json()


def window_of(page):
    """Return the part of the chart that is shown, from the address."""
    query = page.query()
    return query.get("from"), query.get("to")


def test_the_forecast_comes_first_in_plain_words_with_its_record(page):
    sentence, record = page.text("#sentence"), page.text("#record")

    assert re.search(
        r"sales: about \d+ for .*2024, between \d+ and \d+ in 8 of 10", sentence
    )
    assert re.search(r"Usually off by [\d.]+ a day; “.+” is off by [\d.]+", record)
    assert "at 3 cut-offs in 3 series" in record
    assert "promo and weather are used and must be planned ahead" in record
    assert page.errors() == []


def test_the_chart_has_history_past_forecasts_and_the_method_that_answers(page):
    legend = page.legend()

    assert [text.split("\n")[0] for text in legend] == [
        "observed",
        "forecast at the time",
        "forecast",
    ]
    assert "answers: network" in page.text("#badges")
    assert "80 % interval" in page.text("#chart")


def test_nothing_is_loaded_from_another_machine(page):
    addresses = page.run(
        "return performance.getEntriesByType('resource').map((one) => one.name)"
    )
    origin = page.run("return location.origin + '/'")

    assert [name for name in addresses if not name.startswith(origin)] == []
    assert len(addresses) > 25


def test_the_numbers_are_those_of_the_service(page, service):
    context = api(service, "shops/context", id="north")
    future = api(service, "shops/history", id="north")["future"]["known_covariates"]
    known = {k: v + future[k] for k, v in context["known_covariates"].items()}
    body = {"series": [context | {"known_covariates": known}], "levels": [80]}
    answer = httpx.post(f"{service.url}/v1/models/shops/forecast", json=body).json()

    shown = [float(row[1]) for row in page.numbers()]

    expected = answer["forecasts"][0]["point"]
    assert shown == pytest.approx(expected, abs=0.06)


def test_another_series_is_found_by_a_part_of_its_name(browser, service):
    browser.open(service.url + "/?model=branches").drawn("Branch 000")

    browser.type_search("nch 14")
    options = [item.text.split("\n")[0] for item in browser.all("#series-list li")]
    browser.press("\ue015", "\ue007")  # arrow down, enter
    browser.drawn("Branch 141")

    assert options == [f"Branch {k}" for k in range(140, 150)]
    assert browser.query()["series"] == "Branch 141"
    assert "Branch 141" in browser.one("#chart .plot").get_attribute("aria-label")


def test_all_series_can_be_reached_though_fifty_are_listed(browser, service):
    browser.open(service.url + "/?model=branches").drawn("Branch 000")

    browser.click("#series")
    browser.wait_for("50 of 152", "#series-list")
    browser.type_search("no such")

    browser.wait_for("No series is named like “no such”", "#series-list")
    browser.press("\ue00c")  # escape
    assert browser.one("#series").get_attribute("value") == "Branch 000"


def test_dragging_zooms_and_a_double_click_shows_all(page):
    page.drag("#chart .u-over", 0.2, 0.5)
    zoomed = window_of(page)
    page.run(
        "document.querySelector('#chart .u-over').dispatchEvent("
        "new MouseEvent('dblclick', {bubbles: true}))"
    )
    everything = window_of(page)

    assert zoomed[0] > "2024-01-01"
    assert zoomed[1] < "2024-05-05"
    assert everything == ("2024-01-01", "2024-05-05")


def test_the_wheel_zooms_once_the_chart_has_the_focus(page):
    wheel = (
        "document.querySelector('#chart .u-over').dispatchEvent(new WheelEvent("
        "'wheel', {deltaY: -100, clientX: 600, bubbles: true, cancelable: true}))"
    )

    page.run(wheel)
    untouched = window_of(page)
    page.run("document.querySelector('#chart .plot').focus()")
    page.run(wheel)

    assert untouched == (None, None)
    assert window_of(page)[0] > "2024-01-01"


def test_two_fingers_zoom(page):
    page.run(
        "const over = document.querySelector('#chart .u-over');"
        "const finger = (x, i) => new Touch({identifier: i, target: over, clientX: x,"
        " clientY: 300});"
        "const fire = (type, xs) => over.dispatchEvent(new TouchEvent(type, {"
        "bubbles: true, cancelable: true, touches: xs.map(finger)}));"
        "fire('touchstart', [500, 600]); fire('touchmove', [300, 800]);"
        "fire('touchend', []);"
    )

    first, last = window_of(page)
    assert "2024-01-01" < first < last < "2024-05-05"


def test_the_keyboard_moves_the_cursor_and_the_window_and_says_the_numbers(page):
    page.run("document.querySelector('#chart .plot').focus()")

    page.press("\ue010")  # end
    said = page.text("#chart [role=status]")
    page.press("+")
    closer = window_of(page)
    page.press("0")

    assert re.fullmatch(r"Sun, May 5, 2024; forecast [\d.]+ \(.+\)", said)
    assert closer[0] > "2024-01-01"
    assert window_of(page) == ("2024-01-01", "2024-05-05")


def test_a_line_can_be_hidden_and_shown_again(page):
    button = "#chart .legend li:nth-child(3) button"

    page.click(button)
    hidden = page.one(button).get_attribute("aria-pressed")
    page.click(button)

    assert hidden == "false"
    assert page.one(button).get_attribute("aria-pressed") == "true"


def test_a_changed_covariate_shows_the_forecast_beside_that_of_the_plan(page):
    before = page.numbers()

    page.type_into("#plan [data-name=promo][data-step='1']", "1")
    page.wait_for("as planned", "#head")
    page.drawn()
    rows = page.numbers()

    assert [row[1] for row in rows] == [row[1] for row in before]  # as planned
    assert float(rows[1][2]) > float(rows[1][1]) + 5  # a promotion sells more
    assert [row[2] for row in rows][2:] == [row[1] for row in before][2:]
    assert "what if: 1 change of promo" in " ".join(page.legend())
    assert page.query()["plan"] == '{"promo":{"1":1}}'


def test_a_plan_is_pasted_from_a_spreadsheet(page):
    page.run(
        "const data = new DataTransfer();"
        "data.setData('text', '1\\twet\\n0\\tdry\\n1\\twet\\n');"
        "const css = '#plan [data-name=promo][data-step=\"2\"]';"
        "const cell = document.querySelector(css);"
        "cell.dispatchEvent(new ClipboardEvent('paste',"
        " {clipboardData: data, bubbles: true, cancelable: true}))"
    )
    page.wait_for("as planned", "#head")
    page.drawn()

    values = page.run(
        "const cell = (name, i) => `#plan [data-name=${name}][data-step='${i}']`;"
        "return [2, 3, 4].map((i) => ['promo', 'weather'].map("
        "(name) => document.querySelector(cell(name, i)).value))"
    )
    assert values == [["1", "wet"], ["0", "dry"], ["1", "wet"]]
    page.click("#plan .tools button")
    page.wait(lambda: "plan" not in page.query(), "the plan")


def test_a_word_in_a_cell_of_numbers_is_refused_and_changes_nothing(page):
    field = "#plan [data-name=promo][data-step='1']"

    page.type_into(field, "many")

    assert page.one(field).get_attribute("aria-invalid") == "true"
    assert "plan" not in page.query()


def test_another_version_and_the_best_baseline_are_laid_over(page):
    page.wait(
        lambda: page.run("return document.querySelector('#compare').length") > 1,
        "compare",
    )
    values = page.run(
        "return [...document.querySelector('#compare')].map((one) => one.value)"
    )

    page.select("#compare", "baseline")
    page.wait(lambda: len(page.legend()) == 4, "baseline")
    if "v2" in values:
        page.select("#compare", "v2")
        page.wait_for("version 2", "#chart .legend")

    assert "baseline" in values


def test_a_link_and_a_reload_give_the_same_view_and_back_the_one_before(page, service):
    page.type_into("#horizon", "3")
    page.wait(lambda: len(page.numbers()) == 3, "three steps")
    page.click("#levels label:nth-child(3)")  # 90 %
    page.drawn()
    address, numbers = page.run("return location.href"), page.numbers()

    page.open(address).drawn("north")

    assert page.numbers() == numbers
    assert len(numbers[0]) == 2 + 2 * 3
    page.driver.back()
    page.driver.back()


def test_back_leads_to_the_view_before(page):
    page.type_into("#horizon", "3")
    page.wait(lambda: len(page.numbers()) == 3, "three steps")

    page.driver.back()

    page.wait(lambda: len(page.numbers()) == 7, "seven steps")


def test_the_csv_has_the_columns_of_the_command_line(page):
    lines = page.download("#csv").read_text().splitlines()

    head = "series_id,step,timestamp,point,lower_80,upper_80,lower_95,upper_95,method"
    assert lines[0] == head
    assert len(lines) == 8
    assert lines[1].startswith("north,1,2024-04-29T00:00:00,")
    assert lines[1].endswith(",network")


def test_the_picture_is_a_png_of_the_chart(page):
    content = page.download("#png").read_bytes()

    assert content.startswith(b"\x89PNG")
    assert len(content) > 10_000


def test_the_request_for_a_terminal_gives_the_numbers_shown(page, service):
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    body = re.search(r"-d '(.*)'$", page.text("#curl"), re.DOTALL)[1]

    answer = httpx.post(
        f"{service.url}/v1/models/shops/forecast",
        content=body,
        headers={"Content-Type": "application/json"},
    ).json()

    shown = [float(row[1]) for row in page.numbers()]
    assert answer["forecasts"][0]["point"] == pytest.approx(shown, abs=0.06)


def test_the_python_shown_prints_the_numbers_shown(page, capsys):
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )

    with pd.option_context("display.width", 300, "display.max_columns", None):
        exec(page.text("#python"), {})

    lines = capsys.readouterr().out.splitlines()
    assert "upper_95" in lines[0]
    assert len(lines) == 8


def test_what_the_forecast_looks_at_is_shown(page):
    page.wait(lambda: len(page.all("#heat rect")) > 50, "heat map")

    assert "depends most on the observation at lag" in page.text("#why-hint")


def test_a_name_that_does_not_exist_says_so_and_shows_one_that_does(browser, service):
    browser.open(service.url + "/?model=nothing").drawn()

    browser.wait_for("“nothing” is not served here", "#notices")


def test_an_address_of_an_older_page_still_leads_to_its_model(browser, service):
    browser.open(service.url + "/#shops").drawn("north")

    assert browser.query()["model"] == "shops"


def test_nothing_of_a_poll_disturbs_a_person_who_reads(page):
    page.run("window.plot = document.querySelector('#chart canvas')")

    time.sleep(6)  # longer than between two polls

    assert page.run("return window.plot === document.querySelector('#chart canvas')")
