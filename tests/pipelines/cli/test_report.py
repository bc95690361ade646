"""``recast report``: from a name, alias, version or folder to a file for people."""

from pathlib import Path

import mlflow
import pytest


@pytest.fixture(scope="module")
def outcome(shared_workplace, daily_csv, train_job):
    days = {"<script>": 90, "south": 90}
    return train_job(daily_csv("shops.csv", days), model__guard=True)


@pytest.fixture(scope="module")
def logged(outcome):
    """The report among the artifacts of the run."""
    return mlflow.artifacts.load_text(
        mlflow.get_run(outcome.run_id).info.artifact_uri + "/report.html"
    )


@pytest.mark.parametrize("reference", ["shops", "shops@champion", "shops/1"])
def test_a_registered_model_has_the_report_of_its_run(
    reference, outcome, logged, recast, tmp_path
):
    path = tmp_path / "sales.html"

    result = recast("report", reference, "--output", path)

    assert (result.code, result.out) == (0, f"wrote {path}\n")
    assert path.read_text(encoding="utf-8") == logged


def test_the_report_says_how_good_the_model_is_and_names_no_folder(
    outcome, logged, shared_workplace
):
    error = outcome.scores.loc["guarded lstm", "mae"]

    assert f"Typically off by {error:.3g} a day;" in logged
    assert "Measured on 4 cutoffs of 2 days in 2 series" in logged
    assert f"Promotion: {outcome.verdict.reason}" in logged
    assert "recast train shops.csv --name shops" in logged
    assert "&lt;script&gt;" in logged
    assert "<script" not in logged
    assert str(shared_workplace) not in logged
    assert len(logged.encode()) < 300_000


def test_run_and_version_are_described_in_the_words_of_the_report(outcome, logged):
    text = mlflow.MlflowClient().get_model_version("shops", "1").description

    error = outcome.scores.loc["guarded lstm", "mae"]
    sentence = f"Typically off by {error:.3g} a day;"
    assert sentence in text
    assert mlflow.get_run(outcome.run_id).data.tags["mlflow.note.content"] == text


def test_a_folder_has_a_report_beside_it_by_default(outcome, recast):
    mlflow.artifacts.download_artifacts("models:/shops/1", dst_path="a model")

    result = recast("report", "a model")

    assert (result.code, result.out) == (0, "wrote a-model.html\n")
    text = Path("a-model.html").read_text(encoding="utf-8")
    assert "<h1>a model</h1>" in text
    assert "Typically off by" in text


def test_a_wrong_name_or_file_is_refused_before_anything_is_written(outcome, recast):
    unknown = recast("report", "shop")
    suffix = recast("report", "shops", "--output", "report.pdf")

    assert (unknown.code, suffix.code) == (2, 2)
    assert "there is no such registered model; there is: shops" in unknown.err
    assert "its name ends in none of .html, .htm" in suffix.err
    assert not Path("shop.html").exists()
