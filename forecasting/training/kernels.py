"""The compiled loops: forward, back-propagation through time, optimizer step.

Numba compiles this file once on a machine and keeps the result beside it; nothing in
it depends on a width, so one compilation serves every network. All of it is one file
because Numba looks at no other when it decides whether what it kept is still right.

A batch is worked off in blocks of windows small enough for the cache. Inside a block
arrays are *feature-major*: ``(width, n)``, a row a unit and a column a window, so that
the gates of all units lie behind each other and every loop below runs over one
contiguous stretch, whatever the widths.

Letters: n windows of a block, T recurrent steps, I inputs of a step, H hidden size,
G = gates * H, K horizon, S = T * I numbers of a window. The weights are one vector in
the order of ``network.parameters()``: of each layer W_ih (G, I), W_hh (G, H), b_ih (G),
b_hh (G); of the head W (K, H), b (K); of the linear skip W (K, S), b (K).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

LSTM, GRU, TANH, RELU = 0, 1, 2, 3  # cells; the plain one by its nonlinearity
MSE, MAE, HUBER, QUANTILE = 0, 1, 2, 3  # losses

# Multiply-adds may be fused; nothing else about the order of operations may change.
STRICT = {
    "fastmath": {"contract"},
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
}
# Sums, whose order is nobody's: these may be cut into lanes.
SUMS = STRICT | {"fastmath": {"contract", "reassoc"}}
f4 = np.float32


def _kept(function):
    """Compile a function; keep the result on disk, if there is a folder for it."""
    try:
        return njit(cache=True, **STRICT)(function)
    except RuntimeError:  # Numba finds no folder that it may write to
        return njit(**STRICT)(function)


class Shape(NamedTuple):
    """What a network is, for the loops: see the letters above."""

    cell: int
    layers: int
    inputs: int  # I of the first layer
    hidden: int
    steps: int
    horizon: int
    skip: bool
    train_skip: bool


class Loss(NamedTuple):
    """What is made small: its kind, and the Huber delta or the probability."""

    kind: int
    parameter: float


# tanh(x) = x p(x^2) / q(x^2): minimax on [0, 7.9], relative error 6e-9 before rounding.
P = (9.99999994e-1, 1.34506180e-1, 3.57898885e-3, 2.20231872e-5, 1.54278774e-8)
Q = (1.0, 4.67839460e-1, 2.61922262e-2, 3.42364514e-4, 8.59874453e-7)


@njit(**STRICT)
def tanh(x):
    """Return tanh(x) to 4e-7: no branch, no call, so that loops become vector code."""
    x = min(max(x, f4(-7.9)), f4(7.9))  # in single precision it is one from there on
    s = x * x
    p = (((f4(P[4]) * s + f4(P[3])) * s + f4(P[2])) * s + f4(P[1])) * s + f4(P[0])
    q = (((f4(Q[4]) * s + f4(Q[3])) * s + f4(Q[2])) * s + f4(Q[1])) * s + f4(Q[0])
    return x * p / q


@njit(**STRICT)
def sigmoid(x):
    """Return 1 / (1 + exp(-x)), which is (1 + tanh(x / 2)) / 2."""
    return f4(0.5) * tanh(f4(0.5) * x) + f4(0.5)


# The four cells, one step forward and one back. `gates` holds the input's part of the
# pre-activations and receives the activations; `own` is the state's part.


@njit(**STRICT)
def lstm_forward(gates, own, before, c_before, c, tanh_c, h):
    """i, f, o = sigmoid(.), g = tanh(.); c = f c' + i g; h = o tanh(c)."""
    size = h.size
    gi, gf, gg, go = (
        gates[:size],
        gates[size : 2 * size],
        gates[2 * size : 3 * size],
        gates[3 * size :],
    )
    oi, of, og, oo = (
        own[:size],
        own[size : 2 * size],
        own[2 * size : 3 * size],
        own[3 * size :],
    )
    for k in range(size):
        i = sigmoid(gi[k] + oi[k])
        f = sigmoid(gf[k] + of[k])
        g = tanh(gg[k] + og[k])
        o = sigmoid(go[k] + oo[k])
        cell = f * c_before[k] + i * g
        squashed = tanh(cell)
        gi[k] = i
        gf[k] = f
        gg[k] = g
        go[k] = o
        c[k] = cell
        tanh_c[k] = squashed
        h[k] = o * squashed


@njit(**STRICT)
def lstm_backward(gates, c_before, tanh_c, dh, dc, d):
    """dc += dh o (1 - tanh(c)^2), then each gate by its derivative; dc' = dc f."""
    size = dh.size
    gi, gf, gg, go = (
        gates[:size],
        gates[size : 2 * size],
        gates[2 * size : 3 * size],
        gates[3 * size :],
    )
    di, df, dg, do = d[:size], d[size : 2 * size], d[2 * size : 3 * size], d[3 * size :]
    for k in range(size):
        i = gi[k]
        f = gf[k]
        g = gg[k]
        o = go[k]
        t = tanh_c[k]
        a = dh[k]
        b = dc[k] + a * o * (f4(1) - t * t)
        di[k] = b * g * i * (f4(1) - i)
        df[k] = b * c_before[k] * f * (f4(1) - f)
        dg[k] = b * i * (f4(1) - g * g)
        do[k] = a * t * o * (f4(1) - o)
        dc[k] = b * f


@njit(**STRICT)
def gru_forward(gates, own, bias, before, own_n, h):
    """r, z = sigmoid(.); n = tanh(a + r (W h' + b)); h = n + z (h' - n)."""
    size = h.size
    gr, gz, gn = gates[:size], gates[size : 2 * size], gates[2 * size :]
    wr, wz, wn = own[:size], own[size : 2 * size], own[2 * size :]
    for k in range(size):
        r = sigmoid(gr[k] + wr[k])
        z = sigmoid(gz[k] + wz[k])
        m = wn[k] + bias[k]
        n = tanh(gn[k] + r * m)
        gr[k] = r
        gz[k] = z
        gn[k] = n
        own_n[k] = m
        h[k] = n + z * (before[k] - n)


@njit(**STRICT)
def gru_backward(gates, before, own_n, dh, carry, d, dn):
    """The gates by their derivatives; ``d`` is the state's side, ``dn`` n's input's."""
    size = dh.size
    gr, gz, gn = gates[:size], gates[size : 2 * size], gates[2 * size :]
    dr, dz, dm = d[:size], d[size : 2 * size], d[2 * size :]
    for k in range(size):
        r = gr[k]
        z = gz[k]
        n = gn[k]
        a = dh[k] + carry[k]
        b = a * (f4(1) - z) * (f4(1) - n * n)
        dr[k] = b * own_n[k] * r * (f4(1) - r)
        dz[k] = a * (before[k] - n) * z * (f4(1) - z)
        dm[k] = b * r
        dn[k] = b
        carry[k] = a * z


@njit(**STRICT)
def plain_forward(gates, own, relu, h):
    """h = tanh(.), or what is positive of it."""
    if relu:
        for k in range(h.size):
            h[k] = max(gates[k] + own[k], f4(0))
    else:
        for k in range(h.size):
            h[k] = tanh(gates[k] + own[k])


@njit(**STRICT)
def plain_backward(h, relu, dh, d):
    """d = dh (1 - h^2), or dh where h is positive."""
    if relu:
        for k in range(h.size):
            d[k] = dh[k] * (f4(1) if h[k] > 0 else f4(0))
    else:
        for k in range(h.size):
            d[k] = dh[k] * (f4(1) - h[k] * h[k])


@njit(**STRICT)
def fill_inputs(x, weight, bias, gates):
    """gates (G, n) = W_ih x + bias."""
    if weight.shape[1] == 1:
        w, one = weight[:, 0], x[0]
        for j in range(gates.shape[0]):
            row = gates[j]
            for k in range(row.size):
                row[k] = w[j] * one[k] + bias[j]
    else:
        np.dot(weight, x, gates)
        for j in range(gates.shape[0]):
            row = gates[j]
            for k in range(row.size):
                row[k] += bias[j]


@njit(**STRICT)
def add(total, part):
    """total += part, both flat."""
    for k in range(total.size):
        total[k] += part[k]


@njit(**SUMS)
def add_row_sums(total, d):
    """total[j] += sum of row j of d."""
    for j in range(d.shape[0]):
        row = d[j]
        s = f4(0)
        for k in range(row.size):
            s += row[k]
        total[j] += s


@njit(**SUMS)
def add_input_gradient(total, spare, d, x):
    """total (G, I) += d x^T."""
    if x.shape[0] == 1:
        one = x[0]
        for j in range(d.shape[0]):
            row = d[j]
            s = f4(0)
            for k in range(row.size):
                s += row[k] * one[k]
            total[j, 0] += s
    else:
        np.dot(d, x.T, spare)
        add(total.ravel(), spare.ravel())


@njit(**STRICT)
def loss_and_gradient(error, loss, scale):
    """Return the sum of the losses of errors (forecast - actual); make them gradients.

    ``scale`` is one over the number of elements that the mean is over.
    """
    total = 0.0
    p = f4(loss.parameter)
    for k in range(error.size):
        e = error[k]
        if loss.kind == MSE:
            value, slope = e * e, e + e
        elif loss.kind == MAE:
            value, slope = abs(e), f4(np.sign(e))
        elif loss.kind == HUBER:
            inside = abs(e) <= p
            value = f4(0.5) * e * e if inside else p * (abs(e) - f4(0.5) * p)
            slope = e if inside else p * f4(np.sign(e))
        elif e == 0:  # where the two branches of the pinball meet, torch takes both
            value, slope = f4(0), f4(0.5) - p
        else:
            value = (f4(1) - p) * e if e > 0 else -p * e
            slope = (f4(1) - p) if e > 0 else -p
        total += value
        error[k] = slope * scale
    return total


@njit(**STRICT)
def layer_weights(weights, shape, layer):
    """Return W_ih (G, I), W_hh (G, H), b_ih (G), b_hh (G) of a layer: views."""
    hidden = shape.hidden
    rows = hidden * (4 if shape.cell == LSTM else 3 if shape.cell == GRU else 1)
    inputs = shape.inputs if layer == 0 else hidden
    at = 0
    if layer:
        at = rows * (shape.inputs + hidden + 2) + (layer - 1) * rows * (2 * hidden + 2)
    a, b, c = (
        at + rows * inputs,
        at + rows * (inputs + hidden),
        at + rows * (inputs + hidden + 1),
    )
    return (
        weights[at:a].reshape(rows, inputs),
        weights[a:b].reshape(rows, hidden),
        weights[b:c],
        weights[c : c + rows],
    )


@njit(**STRICT)
def head_weights(weights, shape):
    """Return the head's W (K, H) and b (K), the skip's W (K, S) and b (K): views."""
    hidden, horizon = shape.hidden, shape.horizon
    rows = hidden * (4 if shape.cell == LSTM else 3 if shape.cell == GRU else 1)
    at = rows * (shape.inputs + hidden + 2) + (shape.layers - 1) * rows * (
        2 * hidden + 2
    )
    a = at + horizon * hidden
    b = a + horizon
    width = shape.steps * shape.inputs if shape.skip else 0
    c = b + horizon * width
    return (
        weights[at:a].reshape(horizon, hidden),
        weights[a:b],
        weights[b:c].reshape(horizon, width),
        weights[c : c + (horizon if shape.skip else 0)],
    )


class Memory(NamedTuple):
    """What a block of n windows is worked out in."""

    x: np.ndarray  # (S, n) the windows
    gates: np.ndarray  # (layers, T, G n)
    h: np.ndarray  # (layers, T + 1, H n); row 0 is the state before the window
    c: np.ndarray  # the same, of the LSTM
    kept: np.ndarray  # (layers, T, H n): tanh(c) of the LSTM, W h' + b of the GRU
    outer: np.ndarray  # (T, H n): gradient of h from the layer above
    turned: np.ndarray  # (n, H)
    own: np.ndarray  # (G n)
    d: np.ndarray  # (G n)
    bias: np.ndarray  # (H n)
    dn: np.ndarray  # (H n)
    carry: np.ndarray  # (H n)
    dh: np.ndarray  # (H n)
    error: np.ndarray  # (K n)
    linear: np.ndarray  # (K n)


@njit(**STRICT)
def allocate(shape, n):
    """Return a `Memory` for blocks of n windows."""
    hidden, steps, layers = shape.hidden * n, shape.steps, shape.layers
    gates = hidden * (4 if shape.cell == LSTM else 3 if shape.cell == GRU else 1)
    lstm = shape.cell == LSTM
    return Memory(
        np.empty((steps * shape.inputs, n), f4),
        np.empty((layers, steps, gates), f4),
        np.zeros((layers, steps + 1, hidden), f4),
        np.zeros((layers if lstm else 0, steps + 1, hidden), f4),
        np.empty((layers, steps, hidden), f4),
        np.empty((steps if layers > 1 else 0, hidden), f4),
        np.empty((n, shape.hidden), f4),
        np.empty(gates, f4),
        np.empty(gates, f4),
        np.empty(hidden, f4),
        np.empty(hidden, f4),
        np.empty(hidden, f4),
        np.empty(hidden, f4),
        np.empty(shape.horizon * n, f4),
        np.empty(shape.horizon * n, f4),
    )


@njit(**STRICT)
def load(x, inputs):
    """x (S, n) = inputs (n, S), transposed."""
    for k in range(inputs.shape[0]):
        for s in range(inputs.shape[1]):
            x[s, k] = inputs[k, s]


@njit(**STRICT)
def forward(shape, weights, memory, n):
    """Forecast a loaded block; leave the forecast in ``memory.error`` (K, n)."""
    hidden, steps = shape.hidden, shape.steps
    m = memory
    for layer in range(shape.layers):
        w_ih, w_hh, b_ih, b_hh = layer_weights(weights, shape, layer)
        bias = b_ih + b_hh
        if shape.cell == GRU:  # the candidate's two biases stand apart
            bias[2 * hidden :] = b_ih[2 * hidden :]
            for j in range(hidden):
                m.bias[j * n : (j + 1) * n] = b_hh[2 * hidden + j]
        size = shape.inputs if layer == 0 else hidden
        for t in range(steps):
            gates, h = m.gates[layer, t], m.h[layer]
            if layer == 0:
                x = m.x[t * size : (t + 1) * size]
            else:
                x = m.h[layer - 1, t + 1].reshape(size, n)
            fill_inputs(x, w_ih, bias, gates.reshape(w_ih.shape[0], n))
            if t == 0:
                m.own[:] = 0
            else:
                np.dot(w_hh, h[t].reshape(hidden, n), m.own.reshape(w_ih.shape[0], n))
            if shape.cell == LSTM:
                c = m.c[layer]
                lstm_forward(
                    gates, m.own, h[t], c[t], c[t + 1], m.kept[layer, t], h[t + 1]
                )
            elif shape.cell == GRU:
                gru_forward(gates, m.own, m.bias, h[t], m.kept[layer, t], h[t + 1])
            else:
                plain_forward(gates, m.own, shape.cell == RELU, h[t + 1])
    head, head_bias, skip, skip_bias = head_weights(weights, shape)
    last = m.h[shape.layers - 1, steps].reshape(hidden, n)
    forecast = m.error.reshape(shape.horizon, n)
    np.dot(head, last, forecast)
    if shape.skip:
        np.dot(skip, m.x, m.linear.reshape(shape.horizon, n))
        add(m.error, m.linear)
    for j in range(shape.horizon):
        extra = head_bias[j] + (skip_bias[j] if shape.skip else f4(0))
        for k in range(n):
            forecast[j, k] += extra


@njit(**STRICT)
def turn(h, turned):
    """turned (n, H) = h (H, n), transposed: BLAS is slower when it does it itself."""
    for begin in range(0, h.shape[1], 16):
        end = min(begin + 16, h.shape[1])
        for j in range(h.shape[0]):
            for k in range(begin, end):
                turned[k, j] = h[j, k]


@njit(**STRICT)
def backward(shape, weights, gradient, memory, spare, n):
    """Add the gradient of a block, whose errors' are in ``memory.error``."""
    hidden, steps, m = shape.hidden, shape.steps, memory
    head, _, _, _ = head_weights(weights, shape)
    g_head, g_head_bias, g_skip, g_skip_bias = head_weights(gradient, shape)
    error = m.error.reshape(shape.horizon, n)
    turn(m.h[shape.layers - 1, steps].reshape(hidden, n), m.turned)
    part = spare[: shape.horizon * hidden].reshape(shape.horizon, hidden)
    np.dot(error, m.turned, part)
    add(g_head.ravel(), part.ravel())
    add_row_sums(g_head_bias, error)
    if shape.train_skip:
        part = spare[: g_skip.size].reshape(g_skip.shape)
        np.dot(error, m.x.T, part)
        add(g_skip.ravel(), part.ravel())
        add_row_sums(g_skip_bias, error)
    np.dot(head.T, error, m.dh.reshape(hidden, n))
    for layer in range(shape.layers - 1, -1, -1):
        backward_layer(shape, weights, gradient, memory, spare, n, layer)


@njit(**STRICT)
def backward_layer(shape, weights, gradient, memory, spare, n, layer):
    """Go back through a layer, from ``memory.dh``, the gradient of its last state.

    ``memory.outer`` is the gradient of every state from the layer above; a layer
    leaves there what the one below it gets.
    """
    hidden, steps, m = shape.hidden, shape.steps, memory
    w_ih, w_hh, _, _ = layer_weights(weights, shape, layer)
    g_ih, g_hh, g_bih, g_bhh = layer_weights(gradient, shape, layer)
    rows, size = w_ih.shape
    d, dh = m.d.reshape(rows, n), m.dh.reshape(hidden, n)
    spare_hh = spare[: rows * hidden].reshape(rows, hidden)
    spare_ih = spare[: rows * size].reshape(rows, size)
    h = m.h[layer]
    own_bias, candidate_bias = np.zeros(rows, f4), np.zeros(hidden, f4)
    m.carry[:] = 0
    below_another = layer < shape.layers - 1
    if below_another:
        m.dh[:] = 0
    for t in range(steps - 1, -1, -1):
        if below_another:
            add(m.dh, m.outer[t])
        gates, kept = m.gates[layer, t], m.kept[layer, t]
        if shape.cell == LSTM:
            lstm_backward(gates, m.c[layer, t], kept, m.dh, m.carry, m.d)
        elif shape.cell == GRU:
            gru_backward(gates, h[t], kept, m.dh, m.carry, m.d, m.dn)
        else:
            plain_backward(h[t + 1], shape.cell == RELU, m.dh, m.d)
        add_row_sums(own_bias, d)
        if t:
            turn(h[t].reshape(hidden, n), m.turned)
            np.dot(d, m.turned, spare_hh)
            add(g_hh.ravel(), spare_hh.ravel())
            np.dot(w_hh.T, d, dh)
        if shape.cell == GRU:  # from here on the candidate's part is its input's
            m.d[2 * hidden * n :] = m.dn
            add_row_sums(candidate_bias, d[2 * hidden :])
        if layer == 0:
            x = m.x[t * size : (t + 1) * size]
        else:
            x = m.h[layer - 1, t + 1].reshape(size, n)
        add_input_gradient(g_ih, spare_ih, d, x)
        if layer:
            np.dot(w_ih.T, d, m.outer[t].reshape(size, n))
    add(g_bhh, own_bias)
    if shape.cell == GRU:
        own_bias[2 * hidden :] = candidate_bias
    add(g_bih, own_bias)


@njit(**SUMS)
def norm(gradient):
    """Return the Euclidean norm."""
    total = f4(0)
    for k in range(gradient.size):
        total += gradient[k] * gradient[k]
    return np.sqrt(total)


class Step(NamedTuple):
    """How the optimizer moves the weights: Adam (Kingma and Ba 2015) or AdamW."""

    clip: float  # bound on the gradient's norm; infinite for none
    decay: float
    decoupled: bool  # the decay of AdamW


@njit(**STRICT)
def adam(weights, mean, square, gradient, step, rate, beta, count):
    """Move the weights by the gradient; ``beta`` is that of the mean."""
    scale = f4(1)
    if step.clip < np.inf:
        scale = f4(min(step.clip / (norm(gradient) + 1e-6), 1.0))
    b1, b2 = f4(beta), f4(0.999)
    pace = f4(rate / (1 - beta**count))
    root = f4(1 / np.sqrt(1 - 0.999**count))
    decay = f4(step.decay)
    kept = f4(1 - rate * step.decay) if step.decoupled else f4(1)
    added = f4(0) if step.decoupled else decay
    for k in range(mean.size):
        w = weights[k] * kept
        g = gradient[k] * scale + added * w
        m = b1 * mean[k] + (f4(1) - b1) * g
        v = b2 * square[k] + (f4(1) - b2) * g * g
        mean[k] = m
        square[k] = v
        weights[k] = w - pace * m / (np.sqrt(v) * root + f4(1e-8))


class Optimizer(NamedTuple):
    """The optimizer's state: moments of the weights that are trained."""

    mean: np.ndarray
    square: np.ndarray
    count: np.ndarray  # (1,) steps made


@njit(**STRICT)
def copy_block(shape, weights, inputs, targets, memory, n, loss, scale):
    """Load a block, forecast it, return its loss; ``memory.error`` has the gradient."""
    load(memory.x, inputs)
    forward(shape, weights, memory, n)
    error = memory.error.reshape(shape.horizon, n)
    for k in range(n):
        for j in range(shape.horizon):
            error[j, k] -= targets[k, j]
    return loss_and_gradient(memory.error, loss, scale)


@_kept
def train(
    shape, weights, state, inputs, targets, batch, rates, betas, loss, step, block
):
    """Make a step for each batch of windows; return the sum of the batches' losses.

    Args:
        shape: of the network.
        weights: float32, changed in place.
        state: of the optimizer, changed in place.
        inputs: ``(windows, S)``, float32.
        targets: ``(windows, K)``, float32.
        batch: windows a step.
        rates, betas: learning rate, and Adam's first beta, of each step.
        loss: what is made small.
        step: how.
        block: windows worked off together.

    Returns:
        Each batch's mean loss times its windows, summed; the gradient of the last one.
    """
    gradient = np.zeros(weights.size, f4)
    rows = shape.hidden * (4 if shape.cell == LSTM else 3 if shape.cell == GRU else 1)
    spare = np.empty(
        max(
            rows * max(shape.inputs, shape.hidden),
            shape.horizon * max(shape.hidden, shape.steps * shape.inputs),
        ),
        f4,
    )
    memory = allocate(shape, block)
    size = block
    total = 0.0
    for begin in range(0, len(inputs), batch):
        end = min(begin + batch, len(inputs))
        gradient[:] = 0
        scale = f4(1.0 / ((end - begin) * shape.horizon))
        found = 0.0
        for at in range(begin, end, block):
            n = min(block, end - at)
            if n != size:
                memory = allocate(shape, n)
                size = n
            found += copy_block(
                shape,
                weights,
                inputs[at : at + n],
                targets[at : at + n],
                memory,
                n,
                loss,
                scale,
            )
            backward(shape, weights, gradient, memory, spare, n)
        total += found / shape.horizon
        state.count[0] += 1
        adam(
            weights,
            state.mean,
            state.square,
            gradient,
            step,
            rates[begin // batch],
            betas[begin // batch],
            state.count[0],
        )
    return total, gradient


@_kept
def forecast(shape, weights, inputs, forecasts, block):
    """Fill ``forecasts (windows, K)`` with those of ``inputs (windows, S)``."""
    memory = allocate(shape, block)
    size = block
    for at in range(0, len(inputs), block):
        n = min(block, len(inputs) - at)
        if n != size:
            memory = allocate(shape, n)
            size = n
        load(memory.x, inputs[at : at + n])
        forward(shape, weights, memory, n)
        made = memory.error.reshape(shape.horizon, n)
        for k in range(n):
            for j in range(shape.horizon):
                forecasts[at + k, j] = made[j, k]
