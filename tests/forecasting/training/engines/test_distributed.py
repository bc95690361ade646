"""Two processes, started by torchrun, against one that has the whole batch."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from forecasting.training.engines import distributed

SCRIPT = Path(__file__).with_name("train_together.py")
ALONE = runpy.run_path(str(SCRIPT))
SAME = [name for name in ALONE["CASES"] if name != "dropout"]


@pytest.fixture(scope="module")
def alone():
    return ALONE["curves"]()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("together")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("what", ["train", "validation", "weights"])
def test_two_processes_learn_what_one_learns_from_the_whole_batch(
    alone, together, case, what
):
    first, _ = together

    assert first["auto"][case][what] == pytest.approx(
        alone[case][what], rel=1e-5, abs=1e-5 if what == "weights" else 0
    )


@pytest.mark.parametrize("case", ALONE["CASES"])
@pytest.mark.parametrize("what", ["train", "validation", "weights"])
def test_both_processes_end_with_the_same_numbers(together, case, what):
    first, second = together

    assert first["auto"][case][what] == second["auto"][case][what]


def test_training_has_ended_early_in_one_case(alone):
    assert 2 < len(alone["early end"]["validation"]) < 41


def test_each_process_works_on_half_of_the_windows(alone, together):
    seen = [own["auto"]["unclipped"]["windows"][0] for own in together]

    # Batches of 15, 15, 15, 15 and 5 windows, in each of four epochs.
    assert seen == [4 * (8 * 4 + 3), 4 * (7 * 4 + 2)]
    assert sum(seen) == alone["unclipped"]["windows"][0]


def test_processes_draw_dropout_of_their_own(alone, together):
    losses = [found["dropout"]["train"] for found in (alone, together[0]["auto"])]

    assert losses[0] != pytest.approx(losses[1], rel=1e-5)


def test_the_compiled_loops_are_refused_where_processes_train_together(together):
    wanted = "engine must be auto or torch where 2 processes train together; found"

    assert [wanted in own["refusal"] for own in together] == [True, True]


def test_a_process_alone_has_everything_as_its_share():
    index, numbers = torch.arange(5), [torch.ones(2, 3), torch.tensor(4.0)]

    mine, sums = distributed.share(index), distributed.reduce(numbers)

    assert distributed.processes() == 1
    assert mine.tolist() == index.tolist()
    assert [own.tolist() for own in sums] == [own.tolist() for own in numbers]
