"""Two processes, started by torchrun, against one that has the whole batch."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from forecasting.training.engines.distributed import (
    num_processes,
    shard,
    sum_over_processes,
)

SCRIPT = Path(__file__).with_name("train_together.py")
ALONE = runpy.run_path(str(SCRIPT))
SAME = [name for name in ALONE["CASES"] if name != "dropout"]


@pytest.fixture(scope="module")
def alone():
    return ALONE["curves"]()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Train in two processes; return the results of each."""
    folder = tmp_path_factory.mktemp("together")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    finished = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("metric", ["train", "validation", "weights"])
def test_two_processes_learn_what_one_learns_from_the_whole_batch(
    alone, together, case, metric
):
    first, _ = together

    assert first["auto"][case][metric] == pytest.approx(
        alone[case][metric], rel=1e-5, abs=1e-5 if metric == "weights" else 0
    )


@pytest.mark.parametrize("case", ALONE["CASES"])
@pytest.mark.parametrize("metric", ["train", "validation", "weights"])
def test_both_processes_end_with_the_same_numbers(together, case, metric):
    first, second = together

    assert first["auto"][case][metric] == second["auto"][case][metric]


def test_training_has_ended_early_in_one_case(alone):
    assert 2 < len(alone["early end"]["validation"]) < 41


def test_each_process_works_on_half_of_the_windows(alone, together):
    windows = [process["auto"]["unclipped"]["windows"][0] for process in together]

    # Batches of 15, 15, 15, 15 and 5 windows, in each of four epochs.
    assert windows == [4 * (8 * 4 + 3), 4 * (7 * 4 + 2)]
    assert sum(windows) == alone["unclipped"]["windows"][0]


def test_processes_draw_dropout_of_their_own(alone, together):
    losses = [curves["dropout"]["train"] for curves in (alone, together[0]["auto"])]

    assert losses[0] != pytest.approx(losses[1], rel=1e-5)


def test_the_compiled_loops_are_refused_where_processes_train_together(together):
    message = "engine must be auto or torch, as fused needs a single process; found"

    assert [message in process["refusal"] for process in together] == [True, True]


def test_a_process_alone_has_everything_as_its_share():
    index, numbers = torch.arange(5), [torch.ones(2, 3), torch.tensor(4.0)]

    part, sums = shard(index), sum_over_processes(numbers)

    assert num_processes() == 1
    assert part.tolist() == index.tolist()
    assert [tensor.tolist() for tensor in sums] == [
        tensor.tolist() for tensor in numbers
    ]
