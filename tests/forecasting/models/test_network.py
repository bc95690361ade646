from itertools import product

import pytest
import torch
from torch import nn

from forecasting.data.windows import Windows, WindowSpec
from forecasting.datasets.window_dataset import WindowDataset
from forecasting.errors import SettingError, ShapeError
from forecasting.models.cells import CELLS, MERGES
from forecasting.models.config import STRATEGIES, RecurrentConfig
from forecasting.models.network import RecurrentNetwork
from forecasting.scaling.methods import METHODS
from forecasting.training import Member, TrainingConfig, train_members

EACH_CELL = pytest.mark.parametrize("cell", CELLS)
EACH_STRATEGY = pytest.mark.parametrize("strategy", STRATEGIES)
DIRECTIONS = [(False, "concat"), *product([True], MERGES)]
EACH_DIRECTION = pytest.mark.parametrize(("bidirectional", "merge"), DIRECTIONS)


def make_network(
    *,
    seq_len=5,
    horizon=3,
    input_size=1,
    level="none",
    dtype=torch.float64,
    **settings,
):
    """A network with random weights in every part, the head of a skip too."""
    torch.manual_seed(0)
    config = RecurrentConfig(**({"hidden_size": 6, "linear_skip": False} | settings))
    network = RecurrentNetwork(
        config, seq_len=seq_len, horizon=horizon, input_size=input_size, level=level
    )
    if config.linear_skip:
        nn.init.normal_(network.head.weight)
        nn.init.normal_(network.skip.weight)
    return network.to(dtype).eval()


def windows(rows=2, seq_len=5, features=1, dtype=torch.float64):
    return torch.randn(rows, seq_len, features, dtype=dtype)


@EACH_CELL
@EACH_STRATEGY
@EACH_DIRECTION
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("linear_skip", [False, True])
def test_every_step_of_a_forecast_depends_on_every_observation(
    cell, strategy, bidirectional, merge, num_layers, linear_skip
):
    network = make_network(
        cell=cell,
        strategy=strategy,
        bidirectional=bidirectional,
        merge=merge,
        num_layers=num_layers,
        linear_skip=linear_skip,
    )
    if linear_skip:
        nn.init.zeros_(network.skip.weight)  # the recurrent part alone must see all
    inputs = windows(rows=1).requires_grad_()

    forecast = network(inputs)

    assert forecast.shape == (1, 3)
    for step in forecast[0]:
        (gradient,) = torch.autograd.grad(step, inputs, retain_graph=True)
        assert (gradient != 0).all()


@EACH_CELL
@EACH_STRATEGY
@EACH_DIRECTION
def test_a_padded_window_is_forecast_like_the_unpadded_one(
    cell, strategy, bidirectional, merge
):
    network = make_network(
        cell=cell, strategy=strategy, bidirectional=bidirectional, merge=merge
    )
    inputs, lengths = windows(rows=3), torch.tensor([2, 5, 3])

    forecast = network(inputs, lengths=lengths)

    for row, length in enumerate(lengths.tolist()):
        alone = network(inputs[row : row + 1, :length])
        torch.testing.assert_close(forecast[row], alone[0])


@EACH_CELL
@EACH_STRATEGY
def test_an_initial_state_is_where_the_encoder_starts(cell, strategy):
    network = make_network(cell=cell, strategy=strategy, num_layers=2)
    inputs = windows()
    _, state = network.encoder(windows())
    zero = [
        tuple(map(torch.zeros_like, s)) if isinstance(s, tuple) else torch.zeros_like(s)
        for s in state
    ]

    forecast = network(inputs)

    torch.testing.assert_close(network(inputs, state=zero), forecast)
    assert (network(inputs, state=state) != forecast).all()


@EACH_STRATEGY
def test_a_network_without_a_skip_takes_windows_of_any_length(strategy):
    network = make_network(strategy=strategy)

    assert network(windows(seq_len=9)).shape == (2, 3)


@pytest.mark.parametrize("strategy", ["direct", "seq2seq"])
def test_covariates_are_further_features(strategy):
    network = make_network(strategy=strategy, input_size=3, linear_skip=True)

    assert network(windows(features=3)).shape == (2, 3)


@EACH_STRATEGY
def test_an_untrained_network_is_its_linear_skip(strategy):
    torch.manual_seed(0)
    network = RecurrentNetwork(RecurrentConfig(strategy=strategy), seq_len=5, horizon=3)
    steps = 1 if strategy == "recursive" else 3
    weights, bias = torch.randn(5, steps), torch.randn(steps)
    network.set_skip(weights, bias)
    inputs = windows(dtype=torch.float32)

    forecast = network(inputs)

    torch.testing.assert_close(forecast[:, :steps], inputs[..., 0] @ weights + bias)
    assert not network.skip.weight.requires_grad


def test_the_recursive_strategy_reads_its_own_forecasts():
    network = make_network(strategy="recursive")
    inputs = windows()

    forecast = network(inputs)

    window = inputs
    for step in range(3):
        following = network(window)[:, :1]
        torch.testing.assert_close(forecast[:, step : step + 1], following)
        window = torch.cat([window[:, 1:], following[:, None]], 1)


@pytest.mark.parametrize("method", ["last", "mean", "log"])
def test_the_recursive_strategy_levels_each_window_again(method):
    network = make_network(strategy="recursive", linear_skip=True, level=method)
    values = windows()[..., 0]
    level, _ = METHODS[method].level(values)

    forecast = network((values - level)[..., None]) + level

    for step in range(3):
        level, _ = METHODS[method].level(values)
        following = network((values - level)[..., None])[:, :1] + level
        torch.testing.assert_close(forecast[:, step : step + 1], following)
        values = torch.cat([values[:, 1:], following], 1)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_decoder_starts_with_the_encoders_state_and_the_last_observation(cell):
    network = make_network(cell=cell, strategy="seq2seq", horizon=1, num_layers=2)
    inputs = windows()

    forecast = network(inputs)

    _, state = network.encoder(inputs)
    outputs = inputs[:, -1:]
    for layer, initial in zip(network.decoder.layers, state, strict=True):
        outputs, _ = layer(outputs, initial)
    torch.testing.assert_close(forecast, network.head(outputs[:, 0]))


@pytest.mark.parametrize("strategy", ["recursive", "seq2seq"])
def test_teacher_forcing_feeds_the_truth_and_its_absence_the_forecast(strategy):
    network = make_network(strategy=strategy)
    inputs, truth = windows(), torch.randn(2, 3, dtype=torch.float64)

    free = network(inputs, truth=truth, teacher_forcing=0.0)
    forced = network(inputs, truth=truth, teacher_forcing=1.0)

    torch.testing.assert_close(free, network(inputs))
    torch.testing.assert_close(forced[:, 0], free[:, 0])
    assert not torch.isclose(forced[:, 1:], free[:, 1:]).any()
    torch.testing.assert_close(
        network(inputs, truth=free, teacher_forcing=1.0), free
    )  # the truth and the forecast are one


@EACH_CELL
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_truncation_cuts_the_gradient_and_changes_no_value(cell, strategy):
    network = make_network(cell=cell, strategy=strategy, horizon=1, num_layers=2)
    inputs = windows().requires_grad_()

    forecast = network(inputs, truncate=2)  # chunks of 2, 2 and 1

    torch.testing.assert_close(forecast, network(inputs))
    (gradient,) = torch.autograd.grad(forecast.sum(), inputs)
    assert (gradient[:, :4] == 0).all()
    assert (gradient[:, 4] != 0).all()


def test_a_truncated_window_starts_with_the_initial_state_too():
    network = make_network()
    inputs = windows()
    _, state = network.encoder(windows())

    truncated = network(inputs, state=state, truncate=2)

    torch.testing.assert_close(truncated, network(inputs, state=state))


@EACH_STRATEGY
def test_dropout_is_for_training_and_lies_between_layers(strategy):
    deep = make_network(strategy=strategy, num_layers=2, dropout=0.5)
    flat = make_network(strategy=strategy, num_layers=1, dropout=0.5)
    inputs = windows()

    torch.testing.assert_close(deep(inputs), deep(inputs))
    assert not torch.allclose(deep.train()(inputs), deep(inputs))
    torch.testing.assert_close(flat.train()(inputs), flat(inputs))


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_a_loss_at_every_step_learns_a_simple_rule(strategy):
    torch.manual_seed(0)
    wave = torch.sin(0.7 * torch.arange(400))
    spec = WindowSpec(seq_len=8, horizon=2)
    offsets = torch.tensor([0, 400]).numpy()
    batches = WindowDataset(wave, Windows(offsets, spec), "none")
    network = make_network(
        cell="gru",
        hidden_size=12,
        strategy=strategy,
        loss_at="step",
        seq_len=8,
        horizon=2,
        dtype=torch.float32,
    )
    config = TrainingConfig(epochs=25, batch_size=32, learning_rate=0.01, loss="mse")

    records = train_members([Member(network)], batches, batches, config)

    steps = network.forward_steps(next(batches.in_order())[0])
    assert steps.shape == (len(batches), 8, 2 if strategy == "direct" else 1)
    assert records[0].validation_loss > 0.3
    assert min(record.validation_loss for record in records) < 0.02


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("cell", "lstn", "cell must be one of rnn, lstm, gru, mlp; found 'lstn'"),
        ("nonlinearity", "sin", "nonlinearity must be one of tanh, relu"),
        ("merge", "mean", "merge must be one of concat, sum, mul"),
        ("strategy", "indirect", "strategy must be one of direct, recursive, seq2seq"),
        ("loss_at", "start", "loss_at must be one of end, step"),
        ("normalization", "max", "normalization must be one of none, standard"),
        ("hidden_size", 0, "hidden_size must be a whole number from 1 to 8192"),
        ("num_layers", 1.5, "num_layers must be a whole number from 1 to 32"),
        ("intervals", "wide", "intervals must be one of adaptive, split"),
        ("members", 101, "members must be a whole number from 1 to 100"),
        ("dropout", 1.0, "dropout must be a share from 0 to below 1"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(setting, value, message):
    with pytest.raises(SettingError, match=message):
        RecurrentConfig(**{setting: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "linear_skip must be false with loss_at 'step'"),
        ({"linear_skip": False, "bidirectional": True}, "bidirectional must be false"),
        ({"linear_skip": False, "strategy": "seq2seq"}, "must be 'end' with strategy"),
    ],
)
def test_a_loss_at_every_step_refuses_what_forecasts_at_the_end_only(settings, message):
    with pytest.raises(SettingError, match=message):
        RecurrentConfig(loss_at="step", **settings)


def test_the_recursive_strategy_refuses_covariates():
    with pytest.raises(SettingError, match="strategy must be direct or seq2seq when"):
        make_network(strategy="recursive", input_size=2)


def test_a_linear_skip_refuses_windows_of_varying_length():
    network = make_network(linear_skip=True)

    with pytest.raises(SettingError, match="linear_skip must be false for windows of"):
        network(windows(), lengths=torch.tensor([5, 3]))


@pytest.mark.parametrize(
    ("shape", "linear_skip", "message"),
    [
        ((2, 5), False, r"inputs must have the shape .*any.*found \(2, 5\)"),
        ((2, 5, 2), False, r"found \(2, 5, 2\)"),
        ((2, 4, 1), True, r"inputs must have the shape .*5.*found \(2, 4, 1\)"),
    ],
)
def test_windows_of_another_shape_are_refused(shape, linear_skip, message):
    network = make_network(linear_skip=linear_skip)

    with pytest.raises(ShapeError, match=message):
        network(torch.zeros(shape, dtype=torch.float64))


# Patches and the linear part


def test_a_patch_of_one_observation_is_that_observation():
    plain, patched = make_network(), make_network(patch_len=1)
    patched.load_state_dict(plain.state_dict())
    inputs = windows()

    torch.testing.assert_close(patched(inputs), plain(inputs))


def test_a_patch_is_read_as_the_features_of_one_step():
    patched = make_network(seq_len=6, patch_len=3)
    wide = make_network(seq_len=2, input_size=3)
    wide.load_state_dict(patched.state_dict())
    inputs = windows(seq_len=6)

    forecast = patched(inputs)

    torch.testing.assert_close(forecast, wide(inputs.reshape(2, 2, 3)))


@EACH_CELL
def test_patches_add_weights_to_the_first_layer_only(cell):
    plain, patched = (make_network(seq_len=6, cell=cell, patch_len=n) for n in (1, 3))

    counts = [
        {name: weights.numel() for name, weights in network.named_parameters()}
        for network in (plain, patched)
    ]

    wider = {name for name in counts[0] if counts[0][name] != counts[1][name]}
    assert len(wider) == 1
    [name] = wider
    added = {"rnn": 12, "lstm": 48, "gru": 36, "mlp": 12}  # 2 inputs, 6 hidden, gates
    assert counts[1][name] - counts[0][name] == added[cell]


@pytest.mark.parametrize("linear_skip", [False, True])
def test_every_observation_of_every_patch_counts(linear_skip):
    network = make_network(seq_len=6, patch_len=2, linear_skip=linear_skip)
    inputs = windows(seq_len=6).requires_grad_()

    for step in range(3):
        (slope,) = torch.autograd.grad(network(inputs)[:, step].sum(), inputs)

        assert (slope != 0).all()


def test_a_patch_that_does_not_divide_the_window_is_refused():
    with pytest.raises(
        SettingError, match="patch_len must be a divisor of seq_len 5; found 2"
    ):
        make_network(patch_len=2)


@pytest.mark.parametrize(
    "settings",
    [{"strategy": "seq2seq"}, {"strategy": "recursive"}, {"loss_at": "step"}],
)
def test_patches_are_for_direct_forecasts_from_the_end(settings):
    with pytest.raises(SettingError, match="patch_len must be 1 unless strategy is"):
        make_network(patch_len=5, **settings)


@pytest.mark.parametrize("normalization", ["ets", "log_ets"])
def test_smoothing_refuses_to_feed_forecasts_back_within_a_window(normalization):
    message = f"strategy must be direct with {normalization}"

    with pytest.raises(SettingError, match=message):
        RecurrentConfig(strategy="recursive", normalization=normalization)


@pytest.mark.parametrize("train_skip", [False, True])
def test_the_linear_part_is_trained_where_that_is_asked_for(train_skip):
    network = make_network(dtype=torch.float32, linear_skip=True, train_skip=train_skip)
    before = network.skip.weight.clone()
    values = torch.sin(torch.arange(60.0))
    batches = WindowDataset(
        values, Windows(torch.tensor([0, 60]).numpy(), WindowSpec(horizon=3)), "none"
    )

    train_members(
        [Member(network)], batches, batches, TrainingConfig(device="cpu", epochs=2)
    )

    assert torch.equal(network.skip.weight, before) != train_skip
