"""Bad input: exit code 2, one message with advice, and nothing written."""

import gzip
import os
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest

needs_x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"),
    reason="what other processors do in bfloat16 cannot be taken from them",
)
QUICK = ("--epochs", "1", "--folds", "3")
DAYS = [str(day)[:10] for day in np.arange("2024-01-01", "2024-02-20", dtype="M8[D]")]
ROWS = [f"{day},{10 + i % 7}" for i, day in enumerate(DAYS)]


def csv(*rows, header="day,sales"):
    return "\n".join([header, *rows]) + "\n"


def with_row(row, text):
    return csv(*ROWS[:row], text, *ROWS[row + 1 :])


def snapshot(folder: Path):
    """Count or list all that a command can write: files, runs, experiments, models."""
    client = mlflow.MlflowClient()
    experiments = client.search_experiments()
    runs = client.search_runs([experiment.experiment_id for experiment in experiments])
    models = client.search_model_versions()
    files = sorted(str(path) for path in folder.rglob("*"))
    return files, len(experiments), len(runs), len(models)


@pytest.fixture
def refused(recast):
    """Run a command that must be refused, and return its message."""

    def run(*arguments):
        before = snapshot(Path.cwd())

        result = recast(*arguments)

        assert (result.code, result.out) == (2, ""), result
        assert "Traceback" not in result.err
        assert snapshot(Path.cwd()) == before
        return result.err

    return run


@pytest.fixture(scope="module")
def good_model(shared_workplace, train_job):
    """A folder with a model named good, and files beside it."""
    (shared_workplace / "good.csv").write_text(csv(*ROWS))
    (shared_workplace / "short.csv").write_text(csv(*ROWS[:3]))
    hours = [f"2024-01-01 {i:02}:00,{i}" for i in range(24)]
    (shared_workplace / "hourly.csv").write_text(csv(*hours))
    (shared_workplace / "folder").mkdir()
    train_job("good.csv")
    return shared_workplace


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", (), "the file is empty"),
        ("\n\n", (), "the file is empty"),
        ("day,sales\n", (), "a header and no rows"),
        (bytes(range(256)) * 9, (), "a binary file"),
        (b"PK\3\4 a zip", (), "a binary file"),
        ("<!DOCTYPE html><p>Sign in", (), "this is HTML"),
        ("\n".join(ROWS), (), "looks like data"),
        (
            csv(*[r.replace(",", ":") for r in ROWS], header="day:sales"),
            (),
            "'day:sales'",
        ),
        (csv(*[f"{r},5" for r in ROWS]), (), "line 1 has 2 fields, line 2 has 3"),
        (csv(*ROWS), ("--target", "revenue"), "no column 'revenue': the columns are"),
        (csv(*ROWS), ("--time", "when"), "the columns are 'day', 'sales'"),
        (csv(*ROWS), ("--series-id", "shop"), "no column 'shop'"),
        (csv(*[f"{r},5" for r in ROWS], header="day,a,b"), (), "--target COL"),
        (csv(*[f"{r},5" for r in ROWS], header="day,a,b"), (), "('a', 'b')"),
        (with_row(9, "2024-01-10,closed"), (), "not a number at line 11 ('closed')"),
        (csv(*ROWS, ROWS[3]), (), "1 timestamp more than once: 2024-01-04"),
        (with_row(9, "soon,5"), ("--time", "day"), "'soon' at line 11 cannot be read"),
        (
            csv(*[f"01/{1 + i:02}/2024,{i}" for i in range(12)]),
            (),
            "begins with the day or the month",
        ),
        (csv(*ROWS[:20], *ROWS[23:]), (), "3 moments are missing on the calendar 'D'"),
        (with_row(9, "2024-01-10,"), (), "1 missing value at line 11"),
        (with_row(9, "2024-01-10,NaN"), (), "1 missing value at line 11"),
        (with_row(9, "2024-01-10,inf"), (), "1 infinite value at line 11"),
        (csv(*ROWS[:6]), (), "'sales' has 6; at least 7 points are needed"),
        (csv(*ROWS[:20]), ("--seq-len", "30"), "at least 32 points are needed"),
        (csv(*ROWS), ("--folds", "50"), "at least 56 points are needed"),
        (csv(*ROWS), ("--horizon", "-1"), "horizon must be a whole number"),
        (csv(*ROWS), ("--horizon", "0"), "horizon must be a whole number"),
        (csv(*ROWS), ("--horizon", "1000000000"), "horizon must be at most 10000"),
        (csv(*ROWS), ("--horizon", "two"), "Invalid value for '--horizon'"),
        (csv(*ROWS), ("--seq-len", "0"), "seq_len must be a whole number"),
        (csv(*ROWS), ("--cell", "transformer"), "'rnn', 'lstm', 'gru'"),
        (csv(*ROWS), ("--device", "tpu"), "training.device"),
        (csv(*ROWS), ("--device", "mps"), "one that is here"),
        (csv(*ROWS), ("--freq", "fortnight"), "freq must be a pandas frequency"),
        (csv(*ROWS), ("--missing", "drop"), "one of error, interpolate"),
        (csv(*ROWS), ("--name", "a/b"), "name must be up to 100 letters"),
        (csv(*ROWS), ("--sed", "1"), "No such option: --sed"),
    ],
)
def test_a_csv_or_an_option_that_cannot_be_used(
    workplace, refused, content, options, message
):
    data = content if isinstance(content, bytes) else content.encode()
    (workplace / "input.csv").write_bytes(data)

    assert message in refused("train", "input.csv", *options)


@pytest.mark.parametrize("command", [("train",), ("compare", "--cell", "gru")])
@needs_x86
def test_a_processor_without_bfloat16_refuses_a_job_that_wants_it(workplace, command):
    (workplace / "input.csv").write_text(csv(*ROWS))
    (workplace / "job.yaml").write_text(
        "name: sales\ndata: {path: input.csv}\n"
        "training: {precision: bfloat16, device: cpu, epochs: 1}\n"
    )
    before = snapshot(workplace)

    done = subprocess.run(
        [Path(sys.executable).parent / "recast", command[0], "job.yaml", *command[1:]],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},  # the most that it may use
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: precision must be auto or float32 for lstm networks on this cpu, which "
        "cannot train them in bfloat16; found 'bfloat16'.\n"
    )
    assert snapshot(workplace) == before


@pytest.mark.parametrize("command", ["train", "compare", "backtest"])
def test_every_job_command_checks_before_it_writes(workplace, refused, command):
    (workplace / "short.csv").write_text(csv(*ROWS[:5]))

    assert "at least 7 points are needed" in refused(command, "short.csv")
    assert "there is no such file" in refused(command, "none.csv")
    assert "this is a folder" in refused(command, ".")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("horizn: 3", "horizn: unknown key"),
        ("model: {cel: gru}", "model.cel: unknown key; did you mean 'cell'?"),
        ("model: {normalization: log}", "0"),
        ("training: {truncate: 3}\nmodel: {bidirectional: true}", "truncate must be"),
        ("data: {path: 3}", "data.path"),
        ("registry: {alias: v1}", "registry.alias"),
    ],
)
def test_a_job_that_cannot_be_used(workplace, refused, settings, message):
    (workplace / "input.csv").write_text(with_row(9, "2024-01-10,0"))
    start = "name: a\n" + ("" if "path" in settings else "data: {path: input.csv}\n")
    (workplace / "job.yaml").write_text(start + settings)

    assert message in refused("train", "job.yaml")


def test_a_damaged_gzip_is_said(workplace, refused):
    packed = gzip.compress(csv(*ROWS).encode())
    (workplace / "input.csv.gz").write_bytes(packed[:-20])

    assert "the gzip is damaged" in refused("train", "input.csv.gz")


def test_other_delimiters_and_decimal_commas_are_handled_and_said(workplace, recast):
    rows = [f"{day};{10 + i % 7},25" for i, day in enumerate(DAYS)]
    (workplace / "de.csv").write_text(csv(*rows, header="Tag;Umsatz"))

    result = recast("backtest", "de.csv", *QUICK)

    assert result.code == 0
    assert "note: delimiter: semicolon" in result.out
    assert "note: 'Umsatz': decimal commas" in result.out


def test_unsorted_rows_are_sorted_and_said(workplace, recast):
    (workplace / "a.csv").write_text(csv(*reversed(ROWS)))

    result = recast("backtest", "a.csv", *QUICK)

    assert result.code == 0
    assert "sorted by time" in result.out


def test_a_constant_series_is_forecast_by_its_constant_and_said(workplace, recast):
    (workplace / "flat.csv").write_text(csv(*[f"{day},7.5" for day in DAYS]))

    trained = recast("train", "flat.csv", *QUICK)
    again = recast("train", "flat.csv", *QUICK)
    forecast = recast("forecast", "flat", "--output", "out.csv")

    assert (trained.code, again.code, forecast.code) == (0, 0, 0)
    assert "series 'sales' is constant (7.5)" in trained.out
    assert "now champion" in trained.out
    assert "not champion: mae 0 against 0 of champion (version 1)" in again.out
    assert "nan" not in trained.out + again.out
    points = np.loadtxt("out.csv", delimiter=",", skiprows=1, usecols=(3, 4, 5))
    np.testing.assert_allclose(points, 7.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--horizon", "-1"), "horizon must be a whole number from 1 to 10000"),
        (("--horizon", "0"), "horizon must be a whole number from 1 to 10000"),
        (("--horizon", "1000000000"), "horizon must be a whole number from 1 to 10000"),
        (("--level", "0"), "level must be a percentage from 1 to 99"),
        (("--level", "nan"), "level must be a percentage from 1 to 99"),
        (("--data", "none.csv"), "none.csv: there is no such file"),
        (("--data", "short.csv"), "at least 5 points are needed"),
        (("--data", "hourly.csv"), "does not lie on the calendar 'D'"),
        (("--data", "good.csv", "--target", "revenue"), "no column 'revenue'"),
        (("--output", "."), "it is a folder"),
        (("--output", "no/such/out.csv"), "there is no folder no/such"),
        (("--output", os.devnull), "it is no ordinary file"),
    ],
)
def test_a_forecast_that_cannot_be_made(good_model, refused, options, message):
    assert message in refused("forecast", "good", *options)


def test_a_backtest_that_could_not_be_written_does_not_start(workplace, refused):
    (workplace / "good.csv").write_text(csv(*ROWS))
    (workplace / "folder").mkdir()

    assert "it is a folder" in refused("backtest", "good.csv", "--output", "folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said(workplace, refused):
    (workplace / "good.csv").write_text(csv(*ROWS))
    (workplace / "folder").mkdir(mode=0o500)

    assert "is read-only" in refused("backtest", "good.csv", "--output", "folder/a.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("forecast", "nix"), "nix: there is no such registered model; there is: good"),
        (
            ("forecast", "good@nix"),
            "good@nix: there is no such alias; there is: champion",
        ),
        (("forecast", "good/9"), "good/9: there is no such version; there is: 1"),
        (("forecast", "good/one"), "good/one: there is no such version; there is: 1"),
        (
            ("forecast", "good@"),
            "write name, name@alias, name/version or a model folder",
        ),
        (("forecast", "no/such/folder"), "or a model folder"),
        (("forecast", "folder"), "model folder: there is no file config.json"),
        (("models", "nix"), "nix: there is no such registered model"),
        (("promote", "nix", "1"), "nix: there is no such registered model"),
        (("promote", "good", "9"), "good/9: there is no such version"),
        (("promote", "good", "1", "--alias", "v1"), "alias must be a word"),
        (("promote", "good", "1", "--alias", "latest"), "alias must be a word"),
        (("rollback", "nix"), "nix: there is no such registered model"),
        (("rollback", "good"), "good@champion: there is no version to go back to"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("train",), "Missing argument"),
    ],
)
def test_a_model_that_is_not_there(good_model, refused, arguments, message):
    assert message in refused(*arguments)


def test_a_model_in_an_empty_registry(workplace, refused):
    assert "nix: there is no registered model" in refused("forecast", "nix")


@pytest.mark.parametrize("damage", ["truncated", "garbled", "gone"])
def test_a_damaged_artifact_is_named_by_model_and_version(
    workplace, refused, train_job, damage
):
    (workplace / "good.csv").write_text(csv(*ROWS))
    train_job("good.csv")
    [weights] = workplace.rglob("model.safetensors")
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "garbled":
        weights.with_name("config.json").write_text('{"format_version": 1}')
    else:
        weights.unlink()

    message = refused("forecast", "good")

    assert message.startswith("Error: model good version 1: ")
    assert "/tmp" not in message


def test_artifacts_that_are_gone_are_said(workplace, refused, train_job):
    (workplace / "good.csv").write_text(csv(*ROWS))
    train_job("good.csv")
    (workplace / "mlruns").rename(workplace / "moved")

    message = refused("forecast", "good")

    assert message.startswith("Error: model good version 1: there is no file")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://127.0.0.1:9", "onnection refused"),
        ("sqlite:////dev/null/mlflow.db", "File exists"),
        ("nonsense://host", "unsupported URI"),
        ("postgresql://me:secret@127.0.0.1:9/db", ""),
    ],
)
def test_a_tracking_store_that_does_not_answer(
    workplace, recast, monkeypatch, uri, reason
):
    (workplace / "good.csv").write_text(csv(*ROWS))
    before = sorted(workplace.rglob("*"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    start = time.monotonic()

    result = recast("train", "good.csv")

    assert (result.code, result.out) == (2, "")
    problem = "cannot be used" if uri.startswith("sqlite") else "does not answer"
    assert f"MLflow at {uri.replace('secret', '***')} {problem}" in result.err
    assert reason in result.err
    assert "secret" not in result.err
    assert time.monotonic() - start < 60
    assert sorted(workplace.rglob("*")) == before


def test_a_tracking_server_that_takes_the_call_and_is_silent(
    workplace, recast, monkeypatch
):
    (workplace / "good.csv").write_text(csv(*ROWS))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        # A service in this process would have set it to less than a job's patience.
        monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
        start = time.monotonic()

        result = recast("models")

        assert result.code == 2
        assert f"MLflow at {uri} does not answer: nothing came back" in result.err
        assert time.monotonic() - start < 60
