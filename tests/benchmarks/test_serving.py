"""The command that measures the service under load, with short runs."""

import json
from pathlib import Path

import pytest

from benchmarks.serving import main


@pytest.mark.slow
def test_the_command_moves_the_alias_under_load_and_loses_nothing(tmp_path, capsys):
    path = tmp_path / "figures.json"
    rows = ["moves", "start", "batch", "zero_shot"]
    tiny = ["--rounds", "1", "--seconds", "1", "--duration", "1"]

    code = main(["--only", *rows, *tiny, "--json", str(path)])

    figures, printed = json.loads(path.read_text()), capsys.readouterr().out
    p99, lost, start, batch, latency, beyond, cpu, many = figures["results"]
    assert code == 0
    assert figures["skipped"] == []
    assert p99["ours"] > 0
    assert p99["theirs"] > 0
    assert (lost["ours"], lost["theirs"], lost["met"]) == (0, 0, True)
    assert 0 < start["ours"] < 120
    assert batch["ratio"] > 5
    assert beyond["ours"] == pytest.approx(latency["ours"] - latency["theirs"])
    assert 0 < cpu["ratio"] < 2
    assert many["ours"] > 100
    assert figures["answers"]["Recast, without a model"]["wrong"] == 0
    counts = figures["answers"]["Recast"]
    assert counts["answered"] > 20
    assert counts["checked"] > 10
    assert (counts["failed"], counts["wrong"]) == (0, 0)
    assert printed.startswith("| row | work | against |")
    assert "| Recast | " in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--json", "nowhere/f.json"], "--json must be a file in a folder that"),
    ],
)
def test_bad_options_are_refused_before_the_work(capsys, options, message):
    code = main(["--only", "start", *options])

    assert code == 2
    assert message in capsys.readouterr().err
    assert not Path("nowhere").exists()
