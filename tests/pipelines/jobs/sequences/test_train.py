"""Training jobs of discrete series: run, model, version, and equal numbers."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting import load_sequence_model, read_sequence_file
from forecasting.sequences.answers.explanation import explain_class
from forecasting.sequences.answers.tables import predict_table


@pytest.fixture(scope="module")
def trained(shared_workplace, bumps_csv, states_csv, train_quickly):
    """A model of each task in one store, and the outcomes of their trainings."""
    folder = shared_workplace
    bumps_csv(folder / "bumps.csv")
    states_csv(folder / "states.csv")
    (folder / "count.txt").write_text("0123" * 120)
    return {
        "classify": train_quickly(folder / "bumps.csv", "classify"),
        "label": train_quickly(folder / "states.csv", "label"),
        "next": train_quickly(folder / "count.txt", "next"),
    }


@pytest.mark.parametrize("task", ["classify", "label", "next"])
def test_a_job_registers_a_champion_with_the_figures_of_its_test(trained, task):
    outcome = trained[task]
    client = mlflow.MlflowClient()

    version = client.get_model_version_by_alias(outcome.name, "champion")
    run = client.get_run(outcome.run_id)

    assert run.info.status == "FINISHED"
    assert version.tags["task"] == task
    assert version.tags["label"] == "gru"
    figures = json.loads(version.tags["metrics"])
    assert figures["accuracy"] > 0.7
    assert figures["accuracy"] == pytest.approx(run.data.metrics["test/accuracy"], 1e-5)
    assert "gru" in outcome.scores.index
    assert f"Gives {'the next' if task == 'next' else 'each'}" in version.description


@pytest.mark.parametrize(
    ("task", "baselines"),
    [
        ("classify", {"majority", "nearest_neighbour"}),
        ("label", {"majority", "last_label"}),
        ("next", {"unigram", "bigram", "trigram", "fourgram"}),
    ],
)
def test_baselines_stand_beside_the_network(trained, task, baselines):
    assert set(trained[task].scores.index) == {"gru", *baselines}


@pytest.mark.parametrize(
    ("task", "plots"),
    [
        ("classify", {"loss", "confusion", "calibration"}),
        ("label", {"loss", "confusion", "calibration"}),
        ("next", {"loss"}),
    ],
)
def test_a_run_has_leaderboard_record_and_plots(trained, task, plots):
    client, run_id = mlflow.MlflowClient(), trained[task].run_id

    artifacts = {artifact.path for artifact in client.list_artifacts(run_id)}
    drawn = {artifact.path for artifact in client.list_artifacts(run_id, "plots")}

    assert artifacts >= {"job.yaml", "leaderboard.json", "test.csv.gz"}
    assert drawn == {f"plots/{name}.png" for name in plots}
    [dataset] = client.get_run(run_id).inputs.dataset_inputs
    assert dataset.dataset.name.startswith(trained[task].name)


@pytest.mark.parametrize("task", ["classify", "label", "next"])
def test_command_line_pyfunc_and_library_give_the_same_numbers(
    trained, shared_workplace, recast, task
):
    name = trained[task].name
    path = next(shared_workplace.glob(f"{name}.*"))
    folder = mlflow.artifacts.download_artifacts(f"models:/{name}@champion")
    library = load_sequence_model(folder)
    pyfunc = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    if task == "next":
        frame = pd.DataFrame({"series_id": "series", "symbol": list(path.read_text())})
    else:
        frame = pd.read_csv(path)

    answered = recast("predict", name, "--data", path, "--json")
    found = pd.DataFrame(json.loads(answered.out)["predictions"])

    by_pyfunc = pyfunc.predict(frame)
    assert found.columns.tolist() == by_pyfunc.columns.tolist()
    numbers = by_pyfunc.select_dtypes("number").columns
    np.testing.assert_allclose(found[numbers], by_pyfunc[numbers], rtol=1e-12)
    if task != "next":
        data = read_sequence_file(path, task, library.columns_)
        expected = predict_table(library, data)
        np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-12)
        assert found["label"].tolist() == expected["label"].tolist()
    else:
        assert found["symbol"].tolist() == ["0"]


def test_the_signature_names_the_columns_and_the_outputs(trained):
    info = mlflow.models.get_model_info(f"models:/{trained['classify'].name}@champion")

    inputs = {c.name: c.required for c in info.signature.inputs}

    assert inputs == {"id": False, "x": True}
    assert info.signature.outputs.input_names() == [
        "series_id",
        "label",
        "probability_early",
        "probability_late",
    ]


def test_generated_symbols_continue_the_pattern(trained, recast):
    options = ("--temperature", "0.1", "--random-state", "0", "--json")

    result = recast("generate", "count", "--seed", "01", "--length", "6", *options)

    plain = json.loads(result.out)
    assert plain["text"] == "230123"
    assert plain["symbols"] == list("230123")
    assert not plain["stopped"]


def test_a_stop_symbol_ends_the_generation(trained, recast):
    options = ("--temperature", "0.1", "--stop", "0", "--random-state", "0")

    shown = recast("generate", "count", "--seed", "01", *options).out
    plain = json.loads(
        recast("generate", "count", "--seed", "01", *options, "--json").out
    )

    assert shown == "0123\n"
    assert plain == {
        "model": "count version 1",
        "seed": "01",
        "symbols": ["2", "3"],
        "text": "23",
        "stopped": True,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("count", "--temperature", "0"), "temperature must be from 0.001 to 100"),
        (("count", "--temperature", "nan"), "temperature must be from 0.001 to 100"),
        (("count", "--length", "0"), "length must be a whole number from 1 to 100000"),
        (("count", "--length", "100001"), "length must be a whole number from 1 to"),
        (("count", "--top-k", "0"), "top_k must be a whole number of at least 1"),
        (("count", "--stop", "x"), "stop must be a symbol of the training"),
        (("count", "--random-state", "-1"), "random_state must be from 0 to"),
        (
            ("count", "--seed", "0z"),
            "unknown symbol of the seed: 'z'; the training had",
        ),
        (("bumps",), "model must be of the task next; bumps version 1 has the task cl"),
    ],
)
def test_a_generation_out_of_range_is_refused(trained, recast, options, message):
    result = recast("generate", *options)

    assert (result.code, result.out) == (2, "")
    assert message in result.err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("count", "series_id,symbol\na,0\na,z\n", "unknown symbol of series 'a': 'z'"),
        ("count", "series_id,symbol\n", "the file has a header and no rows"),
        ("bumps", "id,y\na,1\n", "no column 'x'"),
        ("bumps", "id,x\na,1\na,\n", "column 'x': 1 missing value at line 3"),
        ("bumps", "id,x\na,1\na,up\n", "column 'x'"),
    ],
)
def test_series_that_a_model_cannot_read_are_refused(
    trained, shared_workplace, recast, name, text, message
):
    (shared_workplace / "new.csv").write_text(text)

    result = recast("predict", name, "--data", "new.csv", "--output", "out.csv")

    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not (shared_workplace / "out.csv").exists()


def test_predictions_go_to_a_file(trained, shared_workplace, recast):
    result = recast("predict", "bumps", "--data", "bumps.csv", "--output", "p.parquet")

    assert result.out == "wrote 40 rows to p.parquet\n"
    table = pd.read_parquet(shared_workplace / "p.parquet")
    assert table["series_id"].iloc[0] == "s00"


def test_the_parts_of_steps_in_a_label_are_those_of_the_library(
    trained, shared_workplace, recast
):
    folder = mlflow.artifacts.download_artifacts("models:/bumps@champion")
    library = load_sequence_model(folder)
    data = read_sequence_file("bumps.csv", "classify", library.columns_)

    plain = json.loads(recast("explain", "bumps", "--data", "bumps.csv", "--json").out)

    table = pd.DataFrame(plain["parts"])
    first = table[table["series_id"] == "s00"]
    expected = explain_class(library, data.series[0])
    np.testing.assert_allclose(first["part"], expected.parts[:, 0], rtol=1e-12)
    assert set(first["label"]) == {expected.label}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bumps",), "--data must be a file with series"),
        (("count", "--data", "count.txt"), "model must be of the task classify"),
        (
            ("bumps", "--data", "bumps.csv", "--output", "a.png"),
            "output must be a table",
        ),
    ],
)
def test_an_explanation_that_is_none_is_refused(trained, recast, arguments, message):
    result = recast("explain", *arguments)

    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize("command", ["forecast", "report"])
def test_commands_of_forecasters_refuse_the_model(trained, recast, command):
    result = recast(command, "bumps")

    assert result.code == 2
    assert "it is a model of the task classify" in result.err
    assert "recast predict" in result.err


def test_models_are_listed_with_task_and_accuracy(trained, recast):
    shown = recast("models").out
    plain = json.loads(recast("models", "--json").out)

    assert "perplexity" in shown
    assert {row["task"] for row in plain} == {"classify", "label", "next"}


def test_a_forecaster_cannot_take_the_name(
    trained, shared_workplace, recast, daily_csv
):
    daily_csv(shared_workplace / "days.csv", 60)
    runs = len(mlflow.search_runs(search_all_experiments=True))

    result = recast("train", "days.csv", "--name", "bumps", "--epochs", "1")

    assert result.code == 2
    assert "the versions of bumps are of the task classify, not forecast" in result.err
    assert len(mlflow.search_runs(search_all_experiments=True)) == runs


def test_a_finished_training_is_not_repeated(trained, shared_workplace, recast):
    quick = ("model.hidden_size=6", "model.members=2", "training.epochs=30")
    settings = [f"--set={setting}" for setting in quick]
    arguments = ("bumps.csv", "--task", "classify", *settings, "--if-changed", "--json")

    plain = json.loads(recast("train", *arguments).out)

    assert plain["status"] == "unchanged"
    assert plain["run_id"] == trained["classify"].run_id


def test_a_batch_trains_discrete_series(trained, shared_workplace, recast):
    text = "name: batch\ntask: next\ndata: {path: count.txt}\ntraining: {epochs: 1}\n"
    (shared_workplace / "batch.yaml").write_text(text)

    result = recast("run", "batch.yaml", "--workers", "1", "--json")

    assert result.code == 0, result.err
    [job] = json.loads(result.out)["jobs"]
    assert job["metric"] == "cross_entropy"
    assert job["evidence"] == "the latest 48 of 480 symbols"
