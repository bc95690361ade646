"""The page for everyone: axe, both themes, 390 pixels, keyboard, print, language."""

import re

import pytest

VIEWS = {
    "forecast": ("/?model=shops", "#chart canvas"),
    "quality": ("/?model=shops&tab=quality", "#quality .dial"),
    "models": ("/?model=shops&tab=models", "#models tbody tr"),
    "try": ("/?tab=try", "#try-form"),
}


def show(browser, service, view, **options):
    path, mark = VIEWS[view]
    browser.open(service.url + path, **options).one(mark)
    if view == "forecast":
        browser.drawn()
    return browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(browser, service, view, dark):
    page = show(browser, service, view, dark=dark)

    assert page.violations() == []


@pytest.mark.parametrize("view", VIEWS)
def test_on_a_phone_nothing_is_cut_off_and_axe_finds_nothing(
    browser, service, phone, view
):
    page = show(browser, service, view, size=phone)

    width = page.run("return document.documentElement.scrollWidth")
    assert width <= phone[0]
    assert page.violations() == []


def test_on_a_phone_the_chart_is_on_the_first_screens(browser, service, phone):
    page = show(browser, service, "forecast", size=phone)

    top, height = page.run(
        "const box = document.querySelector('#chart canvas').getBoundingClientRect();"
        "return [box.top + scrollY, box.height]"
    )
    assert top < 1.2 * phone[1]
    assert height >= 250


def test_the_colours_of_lines_differ_by_three_to_one_in_both_themes(browser, service):
    for dark in (False, True):
        page = show(browser, service, "forecast", dark=dark)
        names = (
            "card",
            "observed",
            "forecast",
            "backtest",
            "before",
            "overlay",
            "baseline",
        )
        colours = {name: page.run(COLOUR, name) for name in names}

        for line in names[2:]:
            assert contrast(colours[line], colours["card"]) >= 3, (dark, line)
            assert contrast(colours[line], colours["observed"]) >= 3, (dark, line)


COLOUR = (
    "return getComputedStyle(document.documentElement)"
    ".getPropertyValue('--' + arguments[0]).trim()"
)


def contrast(first, second):
    """Return the contrast of two colours, by WCAG 2.2."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    shares = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_lines_are_told_apart_without_colour(browser, service):
    page = show(browser, service, "forecast")

    samples = page.run(
        "return [...document.querySelectorAll('#chart .legend svg')].map((svg) =>"
        " [svg.querySelector('line').getAttribute('stroke-dasharray'),"
        " svg.querySelector('circle')?.getAttribute('fill-opacity') ?? 'none'].join())"
    )
    assert len(set(samples)) == len(samples) >= 3


def test_every_control_is_reached_by_the_keyboard_in_the_order_of_the_page(
    browser, service
):
    page = show(browser, service, "forecast")
    page.run("document.body.focus(); scrollTo(0, 0)")

    visited = []
    for _ in range(60):
        page.press("\ue004")  # tab
        visited.append(
            page.run(
                "const e = document.activeElement;"
                "return e.id || e.className || e.textContent"
            )
        )
        if visited[-1] == "link":
            break

    places = [
        visited.index(name)
        for name in (
            "skip",
            "model",
            "series",
            "compare",
            "plot",
            "horizon",
            "csv",
            "link",
        )
    ]
    assert places == sorted(places)


def test_the_first_link_leads_past_the_frame(browser, service):
    page = show(browser, service, "forecast")

    page.press("\ue004", "\ue007")

    assert page.run("return document.activeElement.id") == "main"


def test_print_is_black_on_white_without_controls(browser, service):
    page = show(browser, service, "forecast", dark=True)

    page.command("Emulation.setEmulatedMedia", media="print")
    ground = page.run("return getComputedStyle(document.body).backgroundColor")
    hidden = page.run("return getComputedStyle(document.querySelector('nav')).display")
    page.command("Emulation.setEmulatedMedia", media="")

    assert ground == "rgb(255, 255, 255)"
    assert hidden == "none"


def test_a_wish_for_less_motion_is_heard(browser, service):
    page = show(browser, service, "forecast")
    script = (
        "return getComputedStyle(document.querySelector('button')).transitionDuration"
    )

    page.command(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-reduced-motion", "value": "reduce"}],
    )

    assert page.run(script) == "0s"


def test_words_numbers_and_dates_are_german_for_a_german_browser(
    german_browser, service
):
    page = german_browser.open(service.url + "/?model=shops").drawn("north")

    assert page.run("return document.documentElement.lang") == "de"
    assert re.search(r"zwischen \d+ und \d+ in 8 von 10 Fällen", page.text("#sentence"))
    assert re.fullmatch(r"\d+,\d+", page.numbers()[0][1])
    assert page.numbers()[0][0].startswith("Mo")
    assert "Prognose" in page.text("#tabs")
    assert page.violations() == []
