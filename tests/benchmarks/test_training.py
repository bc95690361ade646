"""The command that measures how fast training is, on as little as it can be."""

import json
import sys

import pytest

from benchmarks.common.job import Job
from benchmarks.common.plan import write_set
from benchmarks.common.results import (
    compare_costs,
    compare_rates,
    compare_times,
    format_table,
)
from benchmarks.common.timing import (
    Contestant,
    Measurement,
    ProcessFailed,
    Runs,
    run_module,
    take_turns,
    timed,
)
from benchmarks.training import main
from benchmarks.training_speed import fresh, growth
from benchmarks.training_speed.arithmetic import training_flops
from benchmarks.training_speed.recast import (
    fit_each,
    make_training_config,
    make_training_loop,
    run_recast,
)
from benchmarks.training_speed.tutorial import Network, make_loader, train_network
from forecasting import Forecaster

TINY = Job(hidden_size=2, epochs=2)
PANEL = growth.make_panel(3, 40)
SERIES = [PANEL.series(name) for name in PANEL.series_ids]


def runs(name, *cpu, work=1.0):
    return Runs(name, [Measurement(cpu=each, seconds=1.0, work=work) for each in cpu])


@pytest.mark.parametrize(
    ("cell", "operations"),
    [
        # H 2, T 3, h 1: recurrent 2 G 4 2, input 2 G 2 3, head 4.
        ("lstm", 3 * (64 + 48 + 4) - 48),
        ("gru", 3 * (48 + 36 + 4) - 36),
        ("rnn", 3 * (16 + 12 + 4) - 12),
    ],
)
def test_the_operations_of_a_step_are_those_counted_by_hand(cell, operations):
    job = Job(cell=cell, hidden_size=2, seq_len=3, horizon=1)

    assert training_flops(job) == operations


@pytest.mark.parametrize("job", [TINY, Job(hidden_size=2, batch_size=8, steps=3)])
def test_a_job_counts_the_steps_and_windows_that_the_tutorial_makes(job):
    loader = make_loader(SERIES, job)

    windows = train_network(loader, job)

    lengths = [len(series) for series in SERIES]
    assert job.count_windows(lengths) == 3 * 34
    assert job.count_steps(lengths) == (job.steps or 2 * len(loader))
    assert job.count_trained(lengths) == windows


def test_recast_trains_a_network_like_the_tutorials_on_as_many_windows():
    job = Job(epochs=1)
    forecaster = Forecaster(training=make_training_config(job)).fit(PANEL)

    trained = [
        run_recast(PANEL, job),
        fit_each(PANEL, job),
        make_training_loop(PANEL, job)(),
    ]

    plain = [parameter.shape for parameter in Network(job).parameters()]
    network = forecaster.fitted.networks[0]
    ours = [own.shape for name, own in network.named_parameters() if "skip" not in name]
    assert trained == [3 * 34] * 3
    assert sorted(ours) == sorted(plain)


def test_contestants_take_turns_and_the_slow_ones_stop_earlier():
    order = []

    def contestant(name, rounds=None):
        return Contestant(name, timed(lambda: order.append(name) or 7), rounds)

    first, slow = take_turns([contestant("first"), contestant("slow", 1)], 3)

    assert order == ["first", "slow", "first", "first"]
    assert (len(first), len(slow)) == (3, 1)
    assert {each.work for each in first.spent} == {7}


def test_ratios_are_of_medians_and_goals_are_met_or_not():
    ours, theirs = runs("us", 1.0, 2.0, 9.0, work=6), runs("them", 5.0, work=3)

    time = compare_times("row", "work", ours, theirs, 2.5)
    rate = compare_rates("row", "work", ours, theirs, 6)
    size = compare_costs("row", "work", "data", 4, 2, "MB", 3)
    open_ended = compare_times("row", "work", ours, theirs)

    assert (time.ratio, time.met, time.runs) == (2.5, True, (3, 1))
    assert (rate.ours, rate.theirs, rate.met) == (3.0, 0.6, False)
    assert (size.ratio, size.met) == (2.0, True)
    assert open_ended.met is None


def test_the_table_says_the_goal_and_whether_it_was_met():
    results = [
        compare_times("small", "work", runs("us", 2.0), runs("them", 5.0), 25),
        compare_costs("growth", "memory", "data", 1234, 2000, "MB", 3),
    ]

    _, _, small, growing = format_table(results)

    assert small == "| small | work | them | 2 | 5 | CPU s | 2.5 | 25 | no | 1/1 |"
    assert growing.endswith("| 1,234 | 2,000 | MB | 0.617 | at most 3 | yes | 1/1 |")


def test_the_command_prints_a_table_and_writes_what_it_found(tmp_path, capsys):
    path = tmp_path / "found.json"

    code = main(["--quick", "--only", "batches", "hourly", "--json", str(path)])

    found, printed = json.loads(path.read_text()), capsys.readouterr().out
    assert code == 0
    assert set(found) == {"machine", "results", "skipped"}
    assert [each["row"] for each in found["results"]] == ["batches"] * 3
    assert set(found["results"][0]) == {
        *("row", "work", "against", "ours", "theirs", "unit"),
        *("ratio", "goal", "at_most", "met", "runs"),
    }
    assert found["results"][2]["ours"] == 0  # bytes kept for a window
    assert printed.startswith("| row | work | against |")
    assert "Left out: hourly: m4_hourly: no --data FOLDER was given" in printed


def test_peers_presets_and_sets_that_are_not_there_are_said(tmp_path, capsys):
    rows = ["small", "hourly", "preset"]

    code = main(["--quick", "--data", str(tmp_path), "--only", *rows])

    printed = capsys.readouterr().out
    assert code == 0
    assert "Left out: small: NeuralForecast and Darts: no peers: `make p" in printed
    assert f"Left out: hourly: m4_hourly: not in {tmp_path}" in printed
    assert "Left out: preset: " in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--peers", "nowhere"], "--peers must be the Python that `make peers` makes"),
        (["--data", "nowhere"], "--data must be a folder that exists"),
        (["--json", "nowhere/f.json"], "--json must be a file in a folder that"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(capsys, options, message):
    code = main(["--only", "small", *options])

    assert code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("side", ["recast", "tutorial"])
def test_a_fresh_process_reads_the_series_and_says_what_training_took(
    tmp_path, capsys, side
):
    folder = write_set(PANEL, tmp_path)

    fresh.main(["--side", side, "--data", str(folder), "--job", TINY.to_json()])

    found = json.loads(capsys.readouterr().out)
    assert found["work"] == 2 * 3 * 34
    assert found["cpu"] > 0


def test_growth_is_measured_against_the_bytes_of_the_series(capsys):
    growth.main(["--series", "2"])

    found = json.loads(capsys.readouterr().out)
    assert found["points"] == 400
    assert found["data_mb"] == pytest.approx(400 * 16 / 1e6)
    assert 0 <= found["more_mb"] < 500


def test_a_process_that_fails_is_said_with_its_last_words():
    with pytest.raises(ProcessFailed, match=r"nothing failed in .*No module named"):
        run_module(sys.executable, "benchmarks.nothing")
