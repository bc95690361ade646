"""What a person with permission changes from the page: versions, and trainings."""

import shutil

import pandas as pd
import pytest
from selenium.webdriver.support import expected_conditions

DAYS = pd.date_range("2024-01-01", periods=120)
ROWS = "".join(f"{day:%Y-%m-%d},{20 + 3 * k % 11}\n" for k, day in enumerate(DAYS))


@pytest.fixture
def operated(serve, trained, tmp_path):
    """A service that lets everyone promote and train, on a registry of its own."""
    shutil.copy(trained / "mlflow.db", tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with serve(uri, tmp_path, promote="on", train="on") as service:
        yield service


def accept(page):
    page.wait(lambda: expected_conditions.alert_is_present()(page.driver), "a question")
    page.driver.switch_to.alert.accept()


def champion(page):
    return page.text("#models tbody tr.strong td:nth-child(2)").split()[0]


def test_a_version_is_promoted_after_a_question_and_rolled_back(browser, operated):
    page = browser.open(operated.url + "/?model=shops&tab=models")
    page.one("#rollback")
    before = champion(page)

    page.click("#models tbody tr:not(.strong) button:nth-of-type(2)")
    accept(page)
    page.wait(lambda: champion(page) == "2", "version 2")
    moved = page.text("#notices")
    page.click("#rollback")
    accept(page)

    page.wait(lambda: champion(page) == "1", "version 1")
    assert before == "1"
    assert "champion is version 2 now, it was 1" in moved


def test_a_training_from_the_page_ends_with_a_model_that_forecasts(browser, operated):
    page = browser.open(operated.url + "/?tab=try")

    page.drop("#try-drop", "days.csv", "day,sales\n" + ROWS)
    page.click("#train")
    page.wait_for("The training is running", "#try-result")
    page.wait_for("The training is done", "#try-result")
    page.click("#try-result [role=status] a")

    page.drawn()
    assert page.text("#name") == "days"
