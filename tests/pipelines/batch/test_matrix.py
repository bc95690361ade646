"""A matrix gives a job for each combination of its values."""

from pathlib import Path

import pytest

from pipelines.batch.matrix import check_matrix, count_jobs, expand
from pipelines.errors import JobError

SOURCE = Path("folder/sales.yaml")


def expand_names(matrix, **plain):
    return [job["name"] for job in expand({"name": "sales"} | plain, matrix, SOURCE)]


def test_each_combination_of_values_is_a_job_named_by_them():
    matrix = {"model.cell": ["rnn", "gru"], "training.learning_rate": [0.01, 0.001]}

    jobs = list(expand({"name": "sales", "model": {"members": 2}}, matrix, SOURCE))

    assert count_jobs(matrix) == 4
    assert [job["name"] for job in jobs] == [
        *("sales-rnn-0.01", "sales-rnn-0.001", "sales-gru-0.01", "sales-gru-0.001")
    ]
    assert jobs[1]["model"] == {"members": 2, "cell": "rnn"}
    assert jobs[1]["training"] == {"learning_rate": 0.001}
    assert jobs[3]["model"]["cell"] == "gru"


def test_paths_to_data_are_relative_to_the_job_file_and_name_the_job_by_the_file():
    [job] = expand({"name": "sales"}, {"data.path": ["../data/shop 1.csv.gz"]}, SOURCE)

    assert job["name"] == "sales-shop 1"
    assert job["data"] == {"path": "folder/../data/shop 1.csv.gz"}


def test_a_file_without_a_name_gives_its_own():
    assert [job["name"] for job in expand({}, {"model.cell": ["rnn"]}, SOURCE)] == [
        "sales-rnn"
    ]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a/x.csv", "b/x.csv", "c/x.csv"], ["sales-x", "sales-x-2", "sales-x-3"]),
        (["a/x.csv", "b/x.csv", "x-2.csv"], ["sales-x", "sales-x-2", "sales-x-2-2"]),
        (["é?.csv"], ["sales-é"]),
    ],
)
def test_names_are_valid_and_unique(values, names):
    assert expand_names({"data.path": values}) == names


def test_long_names_are_cut_and_stay_unique():
    names = expand_names({"data.path": ["x" * 120 + "1.csv", "x" * 120 + "2.csv"]})

    assert len(set(names)) == 2
    assert max(map(len, names)) <= 100


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([], "lists of values by key are expected"),
        ({}, "lists of values by key are expected"),
        ({"model.cel": ["rnn"]}, "model.cel: unknown key; did you mean 'model.cell'?"),
        ({"name": ["a", "b"]}, "name: unknown key"),
        ({"model.cell": []}, "model.cell: a list of values is expected (found [])"),
        ({"model.cell": "rnn"}, "a list of values is expected (found 'rnn')"),
        ({"model.cell": ["rnn", "rnn"]}, "'rnn' is in the list twice"),
        ({"windows.horizon": [2]}, "windows.horizon: an option sets it too"),
    ],
)
def test_a_matrix_that_makes_no_sense_is_refused(matrix, message):
    with pytest.raises(JobError) as refusal:
        check_matrix(matrix, SOURCE, {"windows.horizon": 3})

    assert message in str(refusal.value)


def test_all_problems_of_a_matrix_are_named_at_once():
    with pytest.raises(JobError) as refusal:
        check_matrix({"model.cel": ["rnn"], "model.cell": []}, SOURCE, {})

    assert len(refusal.value.problems) == 2
