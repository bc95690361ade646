import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.rows import RowBatches
from forecasting.datasets.window_dataset import WindowDataset, series_probabilities
from forecasting.devices import has_bfloat16
from forecasting.errors import SettingError, TrainingDiverged
from forecasting.models.config import RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.window_scaling import EtsStates
from forecasting.training import Member, TrainingConfig, train_members
from forecasting.training.engines.torch_engine import TorchEngine
from forecasting.training.loop import train

SPEC = WindowSpec(seq_len=6, horizon=2)


def wave(count=120):
    return torch.sin(0.4 * torch.arange(float(count)))


def noise(count):
    return torch.from_numpy(np.random.default_rng(0).normal(size=count)).float()


def split(values, share=0.25, spec=SPEC):
    """Return earlier and later windows of one series."""
    offsets, end = (
        np.array([0, len(values)]),
        np.array([int(len(values) * (1 - share))]),
    )
    return (
        WindowDataset(values, Windows(offsets, spec, stop=end), "none"),
        WindowDataset(values, Windows(offsets, spec, start=end), "none"),
    )


def make_network(seed=0, spec=SPEC, **settings):
    torch.manual_seed(seed)
    config = RecurrentConfig(**{"hidden_size": 4, "linear_skip": False, **settings})
    return RecurrentNetwork(config, seq_len=spec.seq_len, horizon=spec.horizon)


def config(**settings):
    return TrainingConfig(
        **{
            "device": "cpu",
            "engine": "torch",
            "epochs": 5,
            "batch_size": 32,
            **settings,
        }
    )


def mean_error(network, batches):
    with torch.no_grad():
        inputs, targets = batches.take(torch.arange(len(batches)))
        return float((network(inputs) - targets).abs().mean())


# Losses of five steps of Adam at a rate of 0.01 on the wave, a step an epoch. They move
# only when the arithmetic of cells, networks, losses or optimizer changes: a commit
# that moves them has to say why. Restructuring alone may not.
FROZEN = {
    "rnn": [0.634986, 0.619989, 0.605622, 0.592032, 0.579555],
    "lstm": [0.629965, 0.625059, 0.620797, 0.6168, 0.613053],
    "gru": [0.667595, 0.660858, 0.654787, 0.649167, 0.64397],
    "mlp": [0.634245, 0.633401, 0.632602, 0.631889, 0.63122],
}


@pytest.mark.parametrize("cell", FROZEN)
def test_five_steps_lose_what_they_always_lost(cell):
    network = make_network(cell=cell)
    earlier, no_windows = split(wave(), share=0)

    records = train_members(
        [Member(network)],
        earlier,
        no_windows,
        config(batch_size=1000, learning_rate=0.01),
    )

    losses = [record.train_loss for record in records[1:]]
    assert losses == pytest.approx(FROZEN[cell], abs=1e-5)


def test_the_same_seed_gives_the_same_weights():
    first, second, other = make_network(), make_network(), make_network()

    for network, seed in ((first, 0), (second, 0), (other, 1)):
        torch.manual_seed(seed)
        train_members([Member(network)], *split(wave()), config())

    same = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert not torch.equal(first.head.weight, other.head.weight)  # other batches


def test_the_weights_that_validated_best_stay():
    network = make_network()
    earlier, later = constant(1.0, 96), constant(0.5, 32)

    records = train_members(
        [Member(network)],
        earlier,
        later,
        config(epochs=15, patience=15, learning_rate=0.03),
    )

    # On its way from about zero to one, the forecast passes what validation wants.
    losses = [record.validation_loss for record in records]
    best = min(losses)
    assert losses[0] > 1.2 * best
    assert losses[-1] > 1.5 * best
    assert mean_error(network, later) == pytest.approx(best, rel=1e-5)


def constant(value, count):
    """Return windows of noise with one constant target."""
    inputs = noise(6 * count).reshape(count, 6, 1)
    return RowBatches(inputs, torch.full((count, 2), value))


def test_training_stops_when_patience_is_over():
    earlier, later = split(noise(120))

    records = train_members(
        [Member(make_network())], earlier, later, config(epochs=500, patience=3)
    )

    losses = [record.validation_loss for record in records]
    assert len(records) < 501
    assert losses.index(min(losses)) == len(records) - 1 - 3


def test_without_a_validation_part_all_epochs_are_run():
    earlier, no_windows = split(noise(120), share=0)

    records = train_members(
        [Member(make_network())], earlier, no_windows, config(epochs=30, patience=1)
    )

    assert len(no_windows) == 0
    assert [record.epoch for record in records] == list(range(31))
    assert all(math.isnan(record.validation_loss) for record in records)


def test_no_epochs_leave_the_network_as_it_was():
    network, untouched = make_network(), make_network()

    records = train_members([Member(network)], *split(wave()), config(epochs=0))

    assert len(records) == 1
    assert torch.equal(network.head.weight, untouched.head.weight)


def test_each_epoch_is_reported_as_it_ends():
    reported = []

    records = train_members(
        [Member(make_network()), Member(make_network())],
        *split(wave()),
        config(epochs=3),
        on_epoch=reported.append,
    )

    assert reported == records
    assert [record.epoch for record in records] == [0, 1, 2, 3] * 2
    assert [record.member for record in records] == [0] * 4 + [1] * 4
    assert {record.epochs for record in records} == {3}
    assert math.isnan(records[0].train_loss)
    assert all(record.seconds > 0 for record in records)


@pytest.mark.parametrize("clip_norm", [1e-3, 1e-1])
def test_clipping_bounds_the_norm_of_the_gradient(clip_norm):
    network, free = make_network(), make_network()
    no_windows = split(wave(), share=0)[1]

    train_members(
        [Member(network)], split(wave())[0], no_windows, config(clip_norm=clip_norm)
    )
    train_members([Member(free)], split(wave())[0], no_windows, config(clip_norm=None))

    def norm(trained_network):
        return float(
            torch.stack([p.grad.norm() for p in trained_network.parameters()]).norm()
        )

    assert norm(network) == pytest.approx(clip_norm, rel=1e-3)
    assert norm(free) > clip_norm


def test_a_loss_beyond_every_number_is_an_error():
    spec = WindowSpec(seq_len=30, horizon=2)
    network = make_network(spec=spec, cell="rnn", nonlinearity="relu")
    wild = config(learning_rate=10, clip_norm=None, loss="mse", epochs=50)

    with pytest.raises(TrainingDiverged, match=r"no finite number in epoch \d+. Lower"):
        train_members([Member(network)], *split(wave(), spec=spec), wild)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_quantile_loss_aims_at_the_quantile(quantile):
    network = make_network()
    earlier, later = split(noise(3000))
    aimed = config(loss="quantile", quantile=quantile, learning_rate=0.02, epochs=10)

    train_members([Member(network)], earlier, later, aimed)

    with torch.no_grad():
        inputs, targets = later.take(torch.arange(len(later)))
        below = (targets <= network(inputs)).double().mean()
    assert float(below) == pytest.approx(quantile, abs=0.05)


@pytest.mark.parametrize(
    ("settings", "training"),
    [
        ({"cell": "rnn"}, {}),
        ({"cell": "rnn", "nonlinearity": "relu"}, {}),
        ({"cell": "gru"}, {"loss": "huber"}),
        ({"cell": "mlp"}, {"loss": "mse"}),
        ({"bidirectional": True}, {}),
        ({"bidirectional": True, "merge": "mul"}, {}),
        (
            {"num_layers": 2, "dropout": 0.1},
            {"optimizer": "adamw", "weight_decay": 1e-3},
        ),
        ({"strategy": "seq2seq"}, {}),
        ({"strategy": "seq2seq", "bidirectional": True, "merge": "sum"}, {}),
        ({"strategy": "recursive"}, {}),
        ({"strategy": "recursive"}, {"teacher_forcing": 0}),
        ({"loss_at": "step"}, {}),
        ({"loss_at": "step", "strategy": "recursive"}, {}),
        ({}, {"truncate": 2}),
        pytest.param(
            {},
            {"precision": "bfloat16"},
            marks=pytest.mark.skipif(
                not has_bfloat16("cpu", "lstm"), reason="needs an LSTM in bfloat16"
            ),
        ),
        ({"cell": "gru"}, {"precision": "bfloat16"}),
        ({"linear_skip": True}, {}),
    ],
)
def test_every_kind_of_network_learns_a_wave(settings, training):
    network = make_network(**settings)
    earlier, later = split(wave())

    records = train_members(
        [Member(network)],
        earlier,
        later,
        config(epochs=25, learning_rate=0.02, batch_size=16, **training),
    )

    losses = [record.validation_loss for record in records]
    assert min(losses) < 0.6 * losses[0]


def test_the_linear_part_is_not_trained():
    network = make_network(linear_skip=True)
    network.set_skip(torch.ones(6, 2), torch.zeros(2))

    train_members([Member(network)], *split(wave()), config())

    assert (network.skip.weight == 1).all()
    assert not (network.head.weight == 0).all()


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("epochs", -1, "epochs must be a whole number from 0 to 100000; found -1"),
        ("epochs", 1.5, "epochs must be a whole number"),
        ("batch_size", 0, "batch_size must be a whole number from 1"),
        ("seed", -1, "seed must be a whole number from 0"),
        ("patience", 0, "patience must be a whole number from 1"),
        ("truncate", 0, "truncate must be a whole number from 1"),
        ("learning_rate", 0, "learning_rate must be from 1e-09 to 10; found 0"),
        (
            "learning_rate",
            math.nan,
            "learning_rate must be from 1e-09 to 10; found nan",
        ),
        ("clip_norm", 0, "clip_norm must be from"),
        ("quantile", 1, "quantile must be from 0.001 to 0.999; found 1"),
        ("validation", 1, "validation must be from 0 to 0.9"),
        ("teacher_forcing", 2, "teacher_forcing must be from 0 to 1"),
        ("loss", "rmse", "loss must be one of mse, mae, huber, quantile; found 'rmse'"),
        ("optimizer", "sgd", "optimizer must be one of adam, adamw"),
        ("device", "tpu", "device must be one of auto, cpu, cuda, mps"),
        ("precision", "int8", "precision must be one of auto, float32, bfloat16"),
    ],
)
def test_a_setting_out_of_range_is_refused(setting, value, message):
    with pytest.raises(SettingError, match=message):
        TrainingConfig(**{setting: value})


# Steps instead of epochs


def dataset_of(lengths, spec=SPEC, series_weights=None):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = noise(int(offsets[-1]))
    windows = Windows(offsets, spec)
    return WindowDataset(values, windows, "none", series_weights=series_weights)


@pytest.mark.parametrize(("steps", "epochs", "each"), [(40, 10, 4), (3, 3, 1)])
def test_steps_are_counted_in_tenths(steps, epochs, each):
    batch_sizes = []

    class Counted(WindowDataset):
        def take(self, index):
            batch_sizes.append(len(index))
            return super().take(index)

    earlier, later = split(wave())
    counted = Counted(earlier.values, earlier.windows, "none")

    records = train_members(
        [Member(make_network())], counted, later, config(steps=steps, batch_size=16)
    )

    assert [record.epoch for record in records] == list(range(epochs + 1))
    assert sum(batch_sizes) == 16 * epochs * each


def test_patience_does_not_end_a_number_of_steps_early():
    earlier, later = split(noise(120))

    records = train_members(
        [Member(make_network())],
        earlier,
        later,
        config(steps=50, patience=1, learning_rate=0.3),
    )

    losses = [record.validation_loss for record in records]
    assert len(records) == 11
    assert losses.index(min(losses)) < 9


def test_one_cycle_goes_up_to_the_rate_and_down_again():
    rates, settings = [], config(steps=50, schedule="one_cycle", learning_rate=0.01)

    def watch(optimizer, *_):
        rates.append(optimizer.param_groups[0]["lr"])

    hook = register_optimizer_step_pre_hook(watch)
    train_members([Member(make_network())], *split(wave()), settings)
    hook.remove()

    top = int(np.argmax(rates))
    assert len(rates) == 50
    assert max(rates) == pytest.approx(0.01, rel=0.02)
    assert 5 < top < 25
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] < 1e-4


def test_one_cycle_goes_through_all_epochs_and_no_epoch_at_all():
    earlier, later = split(noise(120))
    settings = {"schedule": "one_cycle", "patience": 1}

    records = train_members(
        [Member(make_network())], earlier, later, config(epochs=12, **settings)
    )
    none = train_members(
        [Member(make_network())], earlier, later, config(epochs=0, **settings)
    )

    assert (len(records), len(none)) == (13, 1)


def probabilities_of(lengths, balance=0.0, relative=0.0, scales=None):
    batches = dataset_of(lengths)
    if scales is not None:
        levels = np.repeat(scales, lengths)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        states = EtsStates.fit(
            levels * noise(int(offsets[-1])).numpy(), offsets,
            season_length=1, horizon=2,
        )  # fmt: skip
        batches = replace(batches, states=states)
    probabilities = series_probabilities(
        batches, np.array(lengths), balance=balance, relative=relative
    )
    return probabilities.tolist()


def test_balance_goes_from_equal_windows_to_equal_series():
    lengths = [17, 97]  # 10 and 90 windows

    assert probabilities_of(lengths) == pytest.approx([0.1, 0.9])
    assert probabilities_of(lengths, balance=0.5) == pytest.approx([0.25, 0.75])
    assert probabilities_of(lengths, balance=1.0) == pytest.approx([0.5, 0.5])


def test_relative_errors_count_more_where_the_scale_is_large():
    lengths, scales = [57, 57], [1.0, 9.0]

    equal, relative = (
        probabilities_of(lengths, relative=r, scales=scales) for r in (0, 1)
    )

    assert equal == pytest.approx([0.5, 0.5])
    assert relative == pytest.approx([0.1, 0.9], abs=0.03)
    assert probabilities_of(lengths, relative=1.0) == pytest.approx(
        [0.5, 0.5]
    )  # no scale


def test_a_series_without_a_chance_is_never_learnt_from():
    batches = dataset_of([40, 40], series_weights=torch.tensor([1.0, 0.0]))
    torch.manual_seed(0)

    sampled = batches.take(batches.order(8, 5))[0]
    regression_inputs = torch.cat(
        [inputs for inputs, _ in batches.regression_batches()]
    )

    assert len(sampled) == 40
    first = set(batches.values[:40].unfold(0, 6, 1)[:33, 0].tolist())
    assert set(regression_inputs[:, 0, 0].tolist()) == first
    assert set(sampled[:, 0, 0].tolist()) <= first


def test_regression_batches_are_every_window_once_or_the_same_draw_each_time():
    unweighted, sampled = (
        dataset_of([40, 40]),
        dataset_of([40, 40], series_weights=torch.tensor([0.5, 0.5])),
    )

    all_windows = torch.cat([inputs for inputs, _ in unweighted.regression_batches()])
    first, second = (
        torch.cat([inputs for inputs, _ in sampled.regression_batches()])
        for _ in range(2)
    )

    assert len(all_windows) == len(unweighted)
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("steps", -1, "steps must be a whole number from 0"),
        ("steps", 2.5, "steps must be a whole number from 0"),
        ("balance", 1.5, "balance must be from 0 to 1"),
        ("relative", -0.1, "relative must be from 0 to 1"),
        ("schedule", "cosine", "schedule must be one of constant, one_cycle"),
    ],
)
def test_a_setting_of_steps_out_of_range_is_refused(setting, value, message):
    with pytest.raises(SettingError, match=message):
        TrainingConfig(**{setting: value})


def test_without_an_epoch_there_is_no_optimizer_and_the_weights_stay():
    """The import of torch's optimizers takes longer than such a training."""
    network = make_network()
    before = [weight.clone() for weight in network.parameters()]
    training, validation = split(wave())
    engine = TorchEngine([network], training, validation, config(epochs=0))

    records = train(engine, [torch.Generator()])

    assert len(records) == 1
    assert "optimizer" not in vars(engine)
    assert engine.state()["num_steps"] == 0
    for first, second in zip(before, network.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)
