"""The view of classifiers, labelers and models of symbols, in place of the forecast."""

import json
import re

import mlflow
import numpy as np
import pytest

from forecasting import (
    GRUClassifier,
    SequenceColumns,
    SequenceLabeler,
    SymbolModel,
    save_sequence_model,
)

SMALL = {"hidden_size": 8, "random_state": 0}
COLUMNS = SequenceColumns(series_id=("beat",), channels=("x", "y"), label="kind")
ROWS = "".join(f"{0.1 * k:.1f};{-0.1 * k:.1f}\n" for k in range(20)).replace(".", ",")


def models():
    """Return small models with their columns: beats, states and letters."""
    random = np.random.default_rng(0)
    beats = [random.normal(size=(20, 2)) for _ in range(12)]
    wave = np.sin(np.arange(200.0) / 8)
    states = np.where(wave > 0, "up", "down")
    classifier = GRUClassifier(**SMALL, epochs=3, members=1)
    labeler = SequenceLabeler(**SMALL, window=50, epochs=30)
    symbols = SymbolModel(hidden_size=16, epochs=100, truncate=8, random_state=0)
    return {
        "beats": (classifier.fit(beats, ["slow", "fast"] * 6), COLUMNS),
        "states": (labeler.fit([wave], [states]), None),
        "letters": (symbols.fit("hello" * 20), None),
    }


@pytest.fixture(scope="module")
def service(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("discrete")
    uri = f"sqlite:///{folder}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    for name, (model, columns) in models().items():
        save_sequence_model(model, folder / name, columns)
        mlflow.pyfunc.save_model(
            folder / f"{name}-logged",
            loader_module="forecasting.pyfunc",
            data_path=str(folder / name),
            pip_requirements=["torch"],
        )
        client.create_registered_model(name)
        tags = {"metrics": json.dumps({"accuracy": 0.75})}
        source = (folder / f"{name}-logged").as_uri()
        client.create_model_version(name, source, tags=tags)
        client.set_registered_model_alias(name, "champion", "1")
    with serve(uri, folder) as running:
        yield running


def show(browser, service, name, **options):
    page = browser.open(f"{service.url}/?model={name}", **options)
    page.wait_for(name, "#discrete-name")
    return page


def classify(page):
    page.type_into("#discrete-values", "x;y\n" + ROWS)
    page.click("#discrete-read")
    page.one("#discrete-result .strips rect")
    return page


def test_a_pasted_series_has_a_class_and_shows_what_decided(browser, service):
    page = classify(show(browser, service, "beats"))

    sentence = page.text("#discrete-result .sentence")
    assert re.fullmatch(
        r"pasted: (slow|fast), with a probability of [\d.]+%.", sentence
    )
    assert len(page.all("#discrete-result .strips polyline")) == 2
    assert "speaks most for it" in page.text("#discrete-result .hint")
    assert "Accuracy" in page.text("#discrete-figures")
    assert page.text("#tabs [aria-current]") == "Predict"
    assert not page.all("#tabs [data-tab=quality]")[0].is_displayed()
    assert page.errors() == []


def test_a_dropped_table_offers_its_series(browser, service):
    page = show(browser, service, "beats")
    rows = "".join(f"{beat},{k},{-k}\n" for beat in "ab" for k in range(9))

    page.drop("#discrete-drop", "beats.csv", "beat,x,y\n" + rows)
    page.wait_for("a: ", "#discrete-result .sentence")
    page.select("#discrete-series", "1")

    page.wait_for("b: ", "#discrete-result .sentence")


def test_a_row_that_cannot_be_read_is_named(browser, service):
    page = show(browser, service, "beats")

    page.type_into("#discrete-values", "1 2\n3\n")
    page.click("#discrete-read")

    page.wait_for("Row 2: expected the numbers x, y; found “3”", "#notices")


def test_a_series_is_drawn_with_the_labels_of_its_steps(browser, service):
    page = show(browser, service, "states")
    values = " ".join(f"{np.sin(k / 8):.2f}" for k in range(100))

    page.type_into("#discrete-values", values)
    page.click("#discrete-read")
    page.one("#discrete-result .strips rect")

    assert re.search(r": \d+ stretches of one label", page.text("#discrete-result"))
    assert "down" in page.text("#discrete-result .legend")
    first = page.text("#discrete-result tbody tr")
    assert re.match(r"1 to \d+ up [\d.]+%", first)
    assert page.violations() == []


def test_text_is_generated_after_a_beginning(browser, service):
    page = show(browser, service, "letters")

    page.type_into("#symbols-seed", "hel")
    page.type_into("#symbols-length", "12")
    page.type_into("#symbols-temperature", "0.1")
    page.press("\ue007")  # enter, on the button

    page.wait_for("hellohellohello", "#generated")
    assert "“l”" in page.text("#discrete-result tbody tr.strong")
    assert page.violations() == []
    assert page.errors() == []


def test_an_unknown_character_is_named(browser, service):
    page = show(browser, service, "letters")

    page.type_into("#symbols-seed", "hex")
    page.click("#symbols-go")

    page.wait_for("'x'", "#notices")


@pytest.mark.parametrize("name", ["beats", "letters"])
def test_axe_finds_nothing_on_a_phone_in_the_dark(browser, service, phone, name):
    page = show(browser, service, name, size=phone, dark=True)
    if name == "beats":
        classify(page)

    assert page.run("return document.documentElement.scrollWidth") <= phone[0]
    assert page.violations() == []


def test_the_versions_are_listed_with_task_and_accuracy(browser, service):
    page = browser.open(f"{service.url}/?model=beats&tab=models")

    page.wait_for("Accuracy 0.75", "#models tbody")
    page.wait_for("classifies series", "#models dl")
    assert page.errors() == []


def test_the_view_speaks_german(german_browser, service):
    page = classify(show(german_browser, service, "beats"))

    assert "mit einer Wahrscheinlichkeit von" in page.text("#discrete-result .sentence")
    assert page.text("#tabs [aria-current]") == "Vorhersage"
    assert page.violations() == []
