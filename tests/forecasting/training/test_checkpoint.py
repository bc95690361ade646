"""A training that was interrupted goes on to the same bits as an unbroken one."""

import resource
from dataclasses import replace

import numpy as np
import pytest
import torch

from forecasting.data.panel import Panel
from forecasting.data.windows import WindowSpec
from forecasting.errors import CheckpointError
from forecasting.forecaster.forecaster import Forecaster, RecurrentConfig
from forecasting.training import TrainingConfig
from forecasting.training.checkpoint import (
    Checkpoint,
    CheckpointClock,
    Checkpoints,
    TrainingState,
)

PANEL = Panel.from_values({"a": np.sin(np.arange(160) / 3) + np.arange(160) % 7 / 5})
IDENTITY = {"job": "a", "data": "b"}


class Killed(BaseException):
    """Raised in the middle of a training, as a signal would end it."""


def kill_after(epochs):
    count = [0]

    def on_epoch(_):
        count[0] += 1
        if count[0] > epochs:
            raise Killed

    return on_epoch


def make(engine="torch", members=1, model=None, **settings):
    return Forecaster(
        windows=WindowSpec(seq_len=6, horizon=2),
        model=RecurrentConfig(hidden_size=5, members=members, **(model or {})),
        training=TrainingConfig(
            device="cpu", epochs=9, engine=engine, batch_size=16, **settings
        ),
    )


def weights_of(forecaster):
    return [
        weight
        for network in forecaster.trained.networks
        for weight in network.state_dict().values()
    ]


@pytest.mark.parametrize("killed_after", [0, 1, 4, 8])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"engine": "fused"},
        {"engine": "fused", "members": 2},
        {"schedule": "one_cycle", "refit": True},
        {"patience": 2, "optimizer": "adamw"},
        {"model": {"num_layers": 2, "dropout": 0.3, "guard": True}},
        {"model": {"strategy": "seq2seq"}, "teacher_forcing": 0.5},
        {"model": {"quantiles": (0.1, 0.9)}},
    ],
)
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path, settings, killed_after):
    unbroken = make(**settings).fit(PANEL)
    checkpoints = Checkpoints(tmp_path, IDENTITY, CheckpointClock(0))
    with pytest.raises(Killed):
        make(**settings).fit(
            PANEL, on_epoch=kill_after(killed_after), checkpoints=checkpoints
        )

    resumed = make(**settings).fit(PANEL, checkpoints=checkpoints)

    pairs = zip(weights_of(unbroken), weights_of(resumed), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
    losses = [[r.train_loss for r in f.history] for f in (unbroken, resumed)]
    np.testing.assert_array_equal(*losses)
    np.testing.assert_array_equal(unbroken.predict().points, resumed.predict().points)


@pytest.fixture
def checkpoints(tmp_path):
    """Return the checkpoints of a training that was cut short."""
    checkpoints = Checkpoints(tmp_path / "run", IDENTITY, CheckpointClock(0))
    with pytest.raises(Killed):
        make().fit(PANEL, on_epoch=kill_after(3), checkpoints=checkpoints)
    return checkpoints


def file_of(checkpoints):
    return checkpoints.open("member 0").path


def test_a_finished_training_is_not_repeated(checkpoints):
    first = make().fit(PANEL, checkpoints=checkpoints)
    written = file_of(checkpoints).read_bytes()

    records = []
    again = make().fit(PANEL, on_epoch=records.append, checkpoints=checkpoints)

    assert repr(records) == repr(first.history) == repr(again.history)
    assert file_of(checkpoints).read_bytes() == written


@pytest.mark.parametrize("name", ["job", "data"])
def test_a_checkpoint_of_another_job_or_other_data_is_refused(checkpoints, name):
    other = replace(checkpoints, identity=IDENTITY | {name: "z"})

    with pytest.raises(CheckpointError, match=f"its {name} is ., not z") as refused:
        make().fit(PANEL, checkpoints=other)

    assert "Delete it to train from the start" in str(refused.value)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_half_a_file_is_refused(checkpoints, share):
    path = file_of(checkpoints)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(CheckpointError, match="it is damaged"):
        make().fit(PANEL, checkpoints=checkpoints)


def test_a_checkpoint_of_another_network_is_refused(checkpoints):
    with pytest.raises(CheckpointError, match="other networks"):
        make(model={"num_layers": 2}).fit(PANEL, checkpoints=checkpoints)


@pytest.fixture
def full_disk():
    """Let no file of this process grow beyond 10 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_cannot_be_written_is_kept_as_a_failure_and_leaves_no_file(
    tmp_path, full_disk
):
    checkpoint = Checkpoint(tmp_path / "a.safetensors", IDENTITY)

    checkpoint.save(TrainingState({"a": torch.zeros(100_000)}, {}))

    assert str(checkpoint.path) in checkpoint.clock.failure
    assert list(tmp_path.iterdir()) == []
    assert checkpoint.load() is None


def test_a_training_goes_on_where_no_folder_can_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    checkpoints = Checkpoints(tmp_path / "file" / "run", IDENTITY, CheckpointClock(0))

    resumed = make().fit(PANEL, checkpoints=checkpoints)

    pairs = zip(weights_of(make().fit(PANEL)), weights_of(resumed), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
