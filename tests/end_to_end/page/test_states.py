"""What the page says when something is missing: in words, and with a way on."""

from contextlib import ExitStack

import mlflow
import pytest

from serving.http.api_keys import hash_key

KEY = "a-key-for-the-tests-of-the-page"


@pytest.fixture
def empty_store(tmp_path):
    """The address of a registry without models."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    mlflow.MlflowClient(uri).search_experiments()
    return uri


def test_without_a_model_the_page_says_how_to_get_one(
    browser, serve, empty_store, tmp_path
):
    with serve(empty_store, tmp_path) as service:
        page = browser.open(service.url)

        page.wait_for("No model yet: this is how", "#empty")
        assert "recast train sales.csv" in page.text("#empty pre")
        assert page.violations() == []
        page.click("#empty a")
        page.one("#try-form")


def test_a_key_is_asked_for_refused_if_wrong_and_then_used(
    browser, serve, trained, tmp_path
):
    keys = f'{{"page": "{hash_key(KEY)}"}}'
    with serve(f"sqlite:///{trained}/mlflow.db", tmp_path, api_keys=keys) as service:
        page = browser.open(service.url + "/?model=shops")
        page.wait_for("A key is needed", "#login")
        assert page.violations() == []

        page.one("#key").send_keys("wrong\n")
        page.wait_for("This key is not accepted", "#notices")
        page.one("#key").send_keys(KEY + "\n")

        page.drawn("north")
        page.run("document.querySelector('#curl').closest('details').open = true")
        assert "$RECAST_KEY" in page.text("#curl")
        assert KEY not in page.driver.page_source


def test_a_service_that_stops_is_noticed_and_what_was_drawn_stays(
    browser, serve, trained, tmp_path
):
    with serve(f"sqlite:///{trained}/mlflow.db", tmp_path) as service:
        page = browser.open(service.url + "/?model=shops").drawn("north")

        service.process.terminate()
        service.process.wait(timeout=60)

        page.wait_for("The service does not answer", "#notices")
        assert "not answering" in page.text("#state")
        assert page.all("#chart canvas")
        assert page.violations() == []


def test_a_registry_that_is_away_is_named_and_forecasts_go_on(
    browser, serve, trained, servers, tmp_path
):
    store = f"sqlite:///{trained}/mlflow.db"
    with ExitStack() as registry:
        uri, _ = registry.enter_context(servers.tracking_server(tmp_path, store))
        with serve(uri, tmp_path) as service:
            page = browser.open(service.url + "/?model=shops").drawn("north")

            registry.close()

            page.wait_for("The registry does not answer", "#notices")
            assert "registry away" in page.text("#state")
            page.type_into("#horizon", "2")
            page.wait(lambda: len(page.numbers()) == 2, "two steps")
            assert page.violations() == []


def test_a_problem_of_the_service_is_shown_in_its_words(browser, service):
    page = browser.open(service.url + "/?model=branches&horizon=5000")

    page.wait_for("at most 1000", "#notices")
