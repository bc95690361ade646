# %% [markdown]
# # Inside a recurrent network
#
# For a student: the states and gates of RNN, LSTM and GRU over time, computed by hand
# beside the library's layers, and the gradient that vanishes. The formulas are
# explained in `docs/recurrent-networks.md`.

# %%
import numpy as np
import pandas as pd
import torch

from forecasting import (
    Forecaster,
    Panel,
    RecurrentConfig,
    TrainingConfig,
    WindowSpec,
    explain,
)
from forecasting.display.charts import Chart, one_axes, rows_of_axes
from forecasting.models.cells import RecurrentLayer

HIDDEN = 3
generator = torch.manual_seed(0)

# %% [markdown]
# ## A window
#
# Sixty steps of a wave, with a single peak of 3 at step 20. One feature, one series:
# `(batch, steps, features)` is `(1, 60, 1)`.

# %%
steps = torch.arange(60.0)
window = torch.sin(0.3 * steps)
window[20] = 3.0
inputs = window.reshape(1, 60, 1)

# %% [markdown]
# ## The Elman network, step by step
#
# `h' = tanh(W x + b + U h + c)`: the new state from the observation and the old state.

# %%
layer = RecurrentLayer("rnn", 1, HIDDEN)
cell = layer.forward_cell


def split(parameters: torch.nn.Module, parts: int) -> list[list[torch.Tensor]]:
    """Return the weights W, U and the biases b, c of each gate."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    blocks = [getattr(parameters, name).detach().chunk(parts) for name in names]
    return [list(gate) for gate in zip(*blocks, strict=True)]


def affine(gate: list[torch.Tensor], x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    W, U, b, c = gate  # noqa: N806 - the letters of the formulas
    return W @ x + b + U @ h + c


[gate] = split(cell, 1)
h = torch.zeros(HIDDEN)
states = []
for x in inputs[0]:
    h = torch.tanh(affine(gate, x, h))
    states.append(h)
by_hand = torch.stack(states)

outputs, _ = layer(inputs)
assert torch.allclose(by_hand, outputs[0].detach(), atol=1e-6)


# %%
def draw(rows: dict[str, torch.Tensor]) -> Chart:
    """Draw each row over the steps, a line a unit."""
    figure, axes = rows_of_axes(len(rows), height=1.7, margin=0.3)
    for ax, (title, values) in zip(axes, rows.items(), strict=True):
        ax.plot(values.numpy())
        ax.set_title(title, loc="left", fontsize=10)
        ax.axvline(20, color="grey", lw=0.6, ls="--")
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("step")
    return figure


draw({"input": inputs[0], "state h of the RNN": by_hand})

# %% [markdown]
# ## LSTM: what to forget, what to write, what to show
#
# Three gates between 0 and 1 rule a cell state `c`, only multiplied and added to:
#
#     i, f, o = sigmoid(...)     g = tanh(...)
#     c' = f * c + i * g         h' = o * tanh(c')

# %%
layer = RecurrentLayer("lstm", 1, HIDDEN)
gates = dict(zip("ifgo", split(layer.forward_cell, 4), strict=True))
h, c = torch.zeros(HIDDEN), torch.zeros(HIDDEN)
rows: dict[str, list[torch.Tensor]] = {"forget": [], "cell": [], "hidden": []}
for x in inputs[0]:
    i, f, o = (torch.sigmoid(affine(gates[name], x, h)) for name in "ifo")
    g = torch.tanh(affine(gates["g"], x, h))
    c = f * c + i * g
    h = o * torch.tanh(c)
    for name, value in (("forget", f), ("cell", c), ("hidden", h)):
        rows[name].append(value)
lstm = {name: torch.stack(values) for name, values in rows.items()}

outputs, _ = layer(inputs)
assert torch.allclose(lstm["hidden"], outputs[0].detach(), atol=1e-6)
draw({"forget gate f": lstm["forget"], "cell state c": lstm["cell"]})

# %% [markdown]
# ## GRU: one state, two gates
#
#     r, z = sigmoid(...)     n = tanh(W x + b + r * (U h + c))
#     h' = (1 - z) * n + z * h
#
# Where `z` is near 1, the state passes unchanged: so does its gradient.

# %%
layer = RecurrentLayer("gru", 1, HIDDEN)
reset, update, new = split(layer.forward_cell, 3)
h = torch.zeros(HIDDEN)
states, updates = [], []
for x in inputs[0]:
    r, z = torch.sigmoid(affine(reset, x, h)), torch.sigmoid(affine(update, x, h))
    W, U, b, c = new
    n = torch.tanh(W @ x + b + r * (U @ h + c))
    h = (1 - z) * n + z * h
    states.append(h)
    updates.append(z)

outputs, _ = layer(inputs)
assert torch.allclose(torch.stack(states), outputs[0].detach(), atol=1e-6)
draw({"update gate z": torch.stack(updates), "state h": torch.stack(states)})

# %% [markdown]
# ## The gradient vanishes
#
# How strongly does the last state depend on an observation `k` steps earlier? For an
# untrained layer, the slope falls by a constant factor each step: a straight line on a
# logarithmic axis. Gates with a bias towards keeping the state make the line flat.


# %%
def slopes(layer: RecurrentLayer) -> np.ndarray:
    """Return the size of the slope of the last state for each lag."""
    window = inputs.clone().requires_grad_()
    outputs, _ = layer(window)
    outputs[0, -1].sum().backward()
    assert window.grad is not None
    return window.grad[0, :, 0].abs().flip(0).numpy()


layers = {cell: RecurrentLayer(cell, 1, HIDDEN) for cell in ("rnn", "lstm", "gru")}
keeping = RecurrentLayer("gru", 1, HIDDEN)
with torch.no_grad():  # an update gate near 1
    keeping.forward_cell.bias_ih_l0[HIDDEN : 2 * HIDDEN] = 4.0
layers["gru, update bias 4"] = keeping
by_lag = pd.DataFrame({name: slopes(layer) for name, layer in layers.items()})
by_lag.iloc[[0, 5, 10, 20, 40]]

# %%
figure, ax = one_axes("lag", "slope of the last state")
for name in by_lag:
    ax.semilogy(by_lag.index + 1, by_lag[name], label=name)
ax.legend(frameon=False)
figure

# %% [markdown]
# ## After training
#
# Training moves the slopes to where the data have memory. This series repeats its value
# of five steps ago, so the first step should look at lag 5, the second at lag 4.

# %%
DELAY = 5
rng = np.random.default_rng(0)
values = rng.normal(size=1500)
for t in range(DELAY, len(values)):
    values[t] = 0.9 * values[t - DELAY] + 0.44 * rng.normal()  # of variance 1
echo = Panel.from_values({"echo": values})

forecaster = Forecaster(
    windows=WindowSpec(seq_len=8, horizon=2),
    model=RecurrentConfig(
        cell="gru", hidden_size=8, linear_skip=False, normalization="standard"
    ),
    training=TrainingConfig(epochs=30, learning_rate=0.02, loss="mse", device="cpu"),
).fit(echo)
explanation = explain(forecaster, echo, part="network")
sensitivity = pd.DataFrame(
    explanation.sensitivity, index=["step 1", "step 2"], columns=explanation.lags
)
sensitivity.round(2)

# %%
explanation.plot()

# %% [markdown]
# `examples/vanishing_gradient.py` draws the same for three cells and an echo of twenty
# steps, where the plain RNN has to work hardest.
