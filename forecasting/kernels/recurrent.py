"""Compiled loops: forward pass, back-propagation through time, optimizer step.

Numba compiles this file once on a machine and caches the result beside it. No type in
it depends on a width, so one compilation serves every network. It is one file because
Numba checks only the file of a function to decide whether its cache is up to date.

A batch is processed in blocks of windows, small enough for the cache. Arrays of a block
are feature-major, a row for each unit and a column for each window: ``(width, n)``, or
flat, ``(width n)``. A gate's values for all units are contiguous, so that every loop
below runs over one contiguous stretch of any width, and is vectorised.

Letters: n windows of a block, T recurrent steps, I inputs of a step, H hidden size, G
gates, K horizon, S = T I numbers of a window, A = H + I + 1 (the maximum over the
layers) numbers read by a step. The weights are one vector, in the order of
``network.parameters()``: of each layer W_ih (G H, I), W_hh (G H, H), b_ih, b_hh (G H);
of the head W (K, H), b (K); of the linear skip W (K, S), b (K).
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit

from forecasting.jit import compile_cached

LSTM, GRU, TANH, RELU = 0, 1, 2, 3  # cells; the plain one by its nonlinearity
MSE, MAE, HUBER, QUANTILE, CROSS_ENTROPY = 0, 1, 2, 3, 4  # losses

# Multiply-adds may be fused; nothing else about the order of operations may change.
STRICT = {
    "fastmath": {"contract"},
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
}

# Sums in any order, so that they can be split into vector lanes.
SUMS = STRICT | {"fastmath": {"contract", "reassoc"}}
f4 = np.float32


_compiled = partial(compile_cached, **STRICT)


class Shape(NamedTuple):
    """Shape of a network; see the letters above."""

    cell: int
    layers: int
    inputs: int  # I of the first layer
    hidden: int
    steps: int
    horizon: int
    skip: bool
    train_skip: bool


class Loss(NamedTuple):
    """Loss function: its kind, and the Huber delta or the quantile's probability."""

    kind: int
    parameter: float


class Step(NamedTuple):
    """Settings of the optimizer: Adam (Kingma and Ba 2015) or AdamW."""

    clip: float  # bound on the gradient's norm; infinite for none
    decay: float
    decoupled: bool  # the decay of AdamW


class Moments(NamedTuple):
    """State of the optimizer, for the trained weights."""

    mean: np.ndarray
    square: np.ndarray
    count: np.ndarray  # (1,) steps so far


# --- Weights: one vector, viewed as matrices


@njit(**STRICT)
def count_gates(shape):
    """Return the number of gates, G."""
    return 4 if shape.cell == LSTM else 3 if shape.cell == GRU else 1


@njit(**STRICT)
def begin_of(shape, layer):
    """Return the offset of a layer's weights; after the last layer, the head's."""
    rows = count_gates(shape) * shape.hidden
    first = rows * (shape.inputs + shape.hidden + 2)
    return 0 if layer == 0 else first + (layer - 1) * rows * (2 * shape.hidden + 2)


@njit(**STRICT)
def layer_weights(weights, shape, layer):
    """Return views of W_ih, W_hh, b_ih and b_hh of a layer."""
    rows, inputs = count_gates(shape) * shape.hidden, shape.hidden
    if layer == 0:
        inputs = shape.inputs
    a = begin_of(shape, layer)
    b = a + rows * inputs
    c = b + rows * shape.hidden
    return (
        weights[a:b].reshape(rows, inputs),
        weights[b:c].reshape(rows, shape.hidden),
        weights[c : c + rows],
        weights[c + rows : c + 2 * rows],
    )


@njit(**STRICT)
def head_weights(weights, shape):
    """Return views of W and b of the head, and of the skip (empty without one)."""
    rows = shape.horizon
    width = shape.steps * shape.inputs if shape.skip else 0
    a = begin_of(shape, shape.layers)
    b = a + rows * shape.hidden
    c = b + rows + rows * width
    return (
        weights[a:b].reshape(rows, shape.hidden),
        weights[b : b + rows],
        weights[b + rows : c].reshape(rows, width),
        weights[c : c + (rows if shape.skip else 0)],
    )


# --- Cells: a step forward, and back. `pre` (G, H n) holds the pre-activations, `gates`
# --- receives the activations.

# tanh(x) = x p(x^2) / q(x^2): minimax on [0, 7.9], to 1.3e-7 before rounding.
P = (9.99999869e-1, 1.29344194e-1, 2.96047519e-3, 1.15318570e-5)
Q = (1.0, 4.62676461e-1, 2.38540910e-2, 2.40012304e-4, 2.49255319e-7)
HALF_P = tuple(p / 4 ** (i + 1) for i, p in enumerate(P))  # of tanh(x / 2) / 2
HALF_Q = tuple(q / 4**i for i, q in enumerate(Q))


@njit(**STRICT)
def ratio(x, p, q):
    """Return x p(x^2) / q(x^2), without branch or call, so that loops vectorise."""
    square = x * x
    a = ((f4(p[3]) * square + f4(p[2])) * square + f4(p[1])) * square + f4(p[0])
    b = (
        ((f4(q[4]) * square + f4(q[3])) * square + f4(q[2])) * square + f4(q[1])
    ) * square + f4(q[0])
    return x * a / b


@njit(**STRICT)
def tanh(x):
    """Return tanh(x) to 4e-7; in single precision it is 1 from 7.9 on."""
    return ratio(min(max(x, f4(-7.9)), f4(7.9)), P, Q)


@njit(**STRICT)
def sigmoid(x):
    """Return 1 / (1 + exp(-x)), which is (1 + tanh(x / 2)) / 2."""
    return ratio(min(max(x, f4(-15.8)), f4(15.8)), HALF_P, HALF_Q) + f4(0.5)


@njit(**STRICT)
def lstm_forward(pre, gates, c, tanh_c, h, t):
    """Compute i, f, o = sigmoid(.); g = tanh(.); c = f c' + i g; h = o tanh(c)."""
    for k in range(pre.shape[1]):
        i, f = sigmoid(pre[0, k]), sigmoid(pre[1, k])
        g, o = tanh(pre[2, k]), sigmoid(pre[3, k])
        cell = f * c[t, k] + i * g
        squashed = tanh(cell)
        gates[t, 0, k] = i
        gates[t, 1, k] = f
        gates[t, 2, k] = g
        gates[t, 3, k] = o
        c[t + 1, k] = cell
        tanh_c[t, k] = squashed
        h[t + 1, k] = o * squashed


@njit(**STRICT)
def lstm_backward(gates, c, tanh_c, dh, dc, d, t):
    """Compute dc += dh o (1 - tanh(c)^2), the gates' gradients, and dc' = dc f."""
    for k in range(dh.size):
        i, f, g, o = gates[t, 0, k], gates[t, 1, k], gates[t, 2, k], gates[t, 3, k]
        s = tanh_c[t, k]
        b = dc[k] + dh[k] * o * (f4(1) - s * s)
        d[0, k] = b * g * i * (f4(1) - i)
        d[1, k] = b * c[t, k] * f * (f4(1) - f)
        d[2, k] = b * i * (f4(1) - g * g)
        d[3, k] = dh[k] * s * o * (f4(1) - o)
        dc[k] = b * f


@njit(**STRICT)
def gru_forward(pre, gates, candidate, h, t):
    """Compute r, z = sigmoid(.), n = tanh(. + r m) with m = W h' + b, and the state.

    h = n + z (h' - n).
    """
    for k in range(pre.shape[1]):
        r, z, m = sigmoid(pre[0, k]), sigmoid(pre[1, k]), pre[2, k]
        n = tanh(pre[3, k] + r * m)
        gates[t, 0, k] = r
        gates[t, 1, k] = z
        gates[t, 2, k] = n
        candidate[t, k] = m
        h[t + 1, k] = n + z * (h[t, k] - n)


@njit(**STRICT)
def gru_backward(gates, candidate, h, dh, carry, d, t):
    """Compute the gates' gradients: n's in ``d[2]`` for the state, ``d[3]`` for x."""
    for k in range(dh.size):
        r, z, n = gates[t, 0, k], gates[t, 1, k], gates[t, 2, k]
        a = dh[k] + carry[k]
        b = a * (f4(1) - z) * (f4(1) - n * n)
        d[0, k] = b * candidate[t, k] * r * (f4(1) - r)
        d[1, k] = a * (h[t, k] - n) * z * (f4(1) - z)
        d[2, k] = b * r
        d[3, k] = b
        carry[k] = a * z


@njit(**STRICT)
def plain_forward(pre, relu, h, t):
    """Compute h = tanh(.), or h = max(., 0)."""
    for k in range(pre.shape[1]):
        x = pre[0, k]
        h[t + 1, k] = max(x, f4(0)) if relu else tanh(x)


@njit(**STRICT)
def plain_backward(h, relu, dh, d, t):
    """Compute d = dh (1 - h^2), or for relu d = dh where h is positive."""
    for k in range(dh.size):
        slope = f4(1) - h[t + 1, k] * h[t + 1, k]
        if relu:
            slope = f4(1) if h[t + 1, k] > 0 else f4(0)
        d[0, k] = dh[k] * slope


# --- Loops around the matrix products


@njit(**STRICT)
def fill_inputs(x, weight, bias, gates):
    """Set gates (G H, n) = W_ih x + bias."""
    np.dot(weight, x, gates)
    for j in range(len(gates)):
        row = gates[j]
        for k in range(row.size):
            row[k] += bias[j]


@njit(**STRICT)
def add(total, part):
    """Add ``part`` to ``total``, both flat."""
    for k in range(total.size):
        total[k] += part[k]


@njit(**SUMS)
def add_row_sums(total, d):
    """Add the sum of row j of d to total[j]."""
    for j in range(len(d)):
        row, s = d[j], f4(0)
        for k in range(row.size):
            s += row[k]
        total[j] += s


@njit(**SUMS)
def add_input_gradient(total, bias, spare, d, x):
    """Add d x^T to total (G H, I), and the sums of the rows of d to bias (G H)."""
    if len(x) > 1:
        np.dot(d, x.T, spare)
        add(total.ravel(), spare.ravel())
        add_row_sums(bias, d)
        return
    inputs = x[0]
    for j in range(len(d)):
        row, s, b = d[j], f4(0), f4(0)
        for k in range(row.size):
            s += row[k] * inputs[k]
            b += row[k]
        total[j, 0] += s
        bias[j] += b


@njit(**STRICT)
def copy(source, target):
    """Copy ``source`` to ``target``, both of rows."""
    for j in range(len(target)):
        for k in range(target.shape[1]):
            target[j, k] = source[j, k]


@njit(**STRICT)
def transpose(h, transposed):
    """Write the transpose of h (H, n) to ``transposed``; BLAS does it more slowly."""
    for k in range(h.shape[1]):
        for j in range(len(h)):
            transposed[k, j] = h[j, k]


# --- A block of windows


class Memory(NamedTuple):
    """Work arrays for a block of n windows."""

    x: np.ndarray  # (S, n) the windows
    packed: np.ndarray  # (A, G H): W_hh^T, W_ih^T and the biases' sum, of a layer
    operands: np.ndarray  # (layers, T + 1, A, n) of a step: h before it, x, one
    gates: np.ndarray  # (layers, T, G, H n)
    c: np.ndarray  # (layers, T + 1, H n) of the LSTM; row 0 is before the window
    saved: np.ndarray  # (layers, T, H n): tanh(c) of the LSTM, W h' + b of the GRU
    dh_above: np.ndarray  # (T, H n): gradient of h from the layer above
    pre: np.ndarray  # (G H, n): pre-activations or their gradients; (4 H, n) of the GRU
    dh: np.ndarray  # (H, n)
    carry: np.ndarray  # (H n)
    transposed: np.ndarray  # (n, H)
    error: np.ndarray  # (K, n)
    linear: np.ndarray  # (K, n)


@njit(**STRICT)
def allocate(shape, n):
    """Return a `Memory` for blocks of n windows."""
    hidden, steps, layers = shape.hidden, shape.steps, shape.layers
    width, gates, lstm = hidden * n, count_gates(shape), shape.cell == LSTM
    max_rows = hidden + max(shape.inputs, hidden if layers > 1 else 0) + 1
    operands = np.ones((layers, steps + 1, max_rows, n), f4)
    operands[:, 0, :hidden] = 0  # the state before the window
    return Memory(
        np.empty((steps * shape.inputs, n), f4),
        np.empty((max_rows, gates * hidden), f4),
        operands,
        np.empty((layers, steps, gates, width), f4),
        np.zeros((layers, steps + 1 if lstm else 0, width), f4),
        np.empty((layers, steps, width), f4),
        np.empty((steps if layers > 1 else 0, width), f4),
        np.empty(((4 if shape.cell == GRU else gates) * hidden, n), f4),
        np.empty((hidden, n), f4),
        np.empty(width, f4),
        np.empty((n, hidden), f4),
        np.empty((shape.horizon, n), f4),
        np.empty((shape.horizon, n), f4),
    )


@njit(**STRICT)
def pack(w_ih, w_hh, b_ih, b_hh, apart, packed):
    """Fill `Memory.packed`; from row ``apart`` on, input weights and biases are 0."""
    hidden, bias = w_hh.shape[1], w_hh.shape[1] + w_ih.shape[1]
    transpose(w_hh, packed)
    transpose(w_ih, packed[hidden:])
    for j in range(len(w_ih)):
        packed[bias, j] = b_hh[j] + (b_ih[j] if j < apart else f4(0))
        for k in range(hidden, bias if j >= apart else hidden):
            packed[k, j] = 0


@njit(**STRICT)
def forward_layer(shape, weights, m, layer):
    """Run a layer over the steps."""
    w_ih, w_hh, b_ih, b_hh = layer_weights(weights, shape, layer)
    hidden, (rows, size) = shape.hidden, w_ih.shape
    bias, candidate = hidden + size, 2 * hidden if shape.cell == GRU else rows
    pack(w_ih, w_hh, b_ih, b_hh, candidate, m.packed)
    w, w_first = m.packed[: bias + 1].T, m.packed[hidden : bias + 1].T
    w_n, b_n, of_x = w_ih[candidate:], b_ih[candidate:], m.pre[rows:]  # of the GRU
    operands, gates = m.operands[layer], m.gates[layer]
    c, saved = m.c[layer], m.saved[layer]
    h, sums = operands.reshape(len(operands), -1), m.pre[:rows]
    pre = m.pre.reshape(-1, m.carry.size)
    for t in range(shape.steps):
        x = (
            m.operands[layer - 1, t + 1, :hidden]
            if layer
            else m.x[t * size : (t + 1) * size]
        )
        copy(x, operands[t, hidden:bias])
        if t:
            np.dot(w, operands[t, : bias + 1], sums)
        else:  # the state before the window is zero
            np.dot(w_first, operands[t, hidden : bias + 1], sums)
        if shape.cell == LSTM:
            lstm_forward(pre, gates, c, saved, h, t)
        elif shape.cell == GRU:
            fill_inputs(x, w_n, b_n, of_x)
            gru_forward(pre, gates, saved, h, t)
        else:
            plain_forward(pre, shape.cell == RELU, h, t)


@njit(**STRICT)
def forward(shape, weights, m, inputs):
    """Write the forecasts of ``inputs (n, S)`` to ``m.error``."""
    transpose(inputs, m.x)
    for layer in range(shape.layers):
        forward_layer(shape, weights, m, layer)
    head, bias, skip, skip_bias = head_weights(weights, shape)
    last = m.operands[shape.layers - 1, shape.steps, : shape.hidden]
    fill_inputs(last, head, bias, m.error)
    if shape.skip:
        fill_inputs(m.x, skip, skip_bias, m.linear)
        add(m.error.ravel(), m.linear.ravel())


@njit(**STRICT)
def backward_layer(shape, weights, gradient, m, spare, layer):
    """Back-propagate through a layer, from the gradient of its last state.

    ``m.dh_above`` holds the part of the layer above in the gradient of every state; the
    layer replaces it by the gradient of its inputs, for the layer below.
    """
    w_ih, w_hh, _, _ = layer_weights(weights, shape, layer)
    g_ih, g_hh, g_bih, g_bhh = layer_weights(gradient, shape, layer)
    hidden, (rows, size) = shape.hidden, w_ih.shape
    candidate = 2 * hidden if shape.cell == GRU else rows
    to_x, to_h, flat_g_hh = w_ih.T, w_hh.T, g_hh.ravel()
    flat_part, part_ih = spare[: g_hh.size], spare[: g_ih.size].reshape(g_ih.shape)
    part = flat_part.reshape(g_hh.shape)
    operands, gates = m.operands[layer], m.gates[layer]
    c, saved = m.c[layer], m.saved[layer]
    d, carry, dh, transposed = m.pre[:rows], m.carry, m.dh, m.transposed
    h, flat_d = operands.reshape(len(operands), -1), m.pre.reshape(-1, carry.size)
    flat_dh = dh.ravel()
    carry[:] = 0
    for t in range(shape.steps - 1, -1, -1):
        if layer < shape.layers - 1:
            add(flat_dh, m.dh_above[t])
        if shape.cell == LSTM:
            lstm_backward(gates, c, saved, flat_dh, carry, flat_d, t)
        elif shape.cell == GRU:
            gru_backward(gates, saved, h, flat_dh, carry, flat_d, t)
        else:
            plain_backward(h, shape.cell == RELU, flat_dh, flat_d, t)
        if t:
            transpose(operands[t, :hidden], transposed)
            np.dot(d, transposed, part)
            add(flat_g_hh, flat_part)
            np.dot(to_h, d, dh)
        if shape.cell == GRU:  # below, the candidate's gradient is that of its input
            add_row_sums(g_bhh[candidate:], d[candidate:])
            copy(m.pre[rows:], d[candidate:])
        add_input_gradient(g_ih, g_bih, part_ih, d, operands[t, hidden : hidden + size])
        if layer:
            np.dot(to_x, d, m.dh_above[t].reshape(dh.shape))
    for j in range(candidate):
        g_bhh[j] = g_bih[j]


@njit(**STRICT)
def backward(shape, weights, gradient, m, spare):
    """Add the gradient of a block, from the loss gradients in ``m.error``."""
    hidden = shape.hidden
    head, _, _, _ = head_weights(weights, shape)
    g_head, g_bias, g_skip, g_skip_bias = head_weights(gradient, shape)
    transpose(m.operands[shape.layers - 1, shape.steps, :hidden], m.transposed)
    part = spare[: g_head.size].reshape(g_head.shape)
    np.dot(m.error, m.transposed, part)
    add(g_head.ravel(), part.ravel())
    add_row_sums(g_bias, m.error)
    if shape.train_skip:
        part = spare[: g_skip.size].reshape(g_skip.shape)
        np.dot(m.error, m.x.T, part)
        add(g_skip.ravel(), part.ravel())
        add_row_sums(g_skip_bias, m.error)
    np.dot(head.T, m.error, m.dh)
    for layer in range(shape.layers - 1, -1, -1):
        backward_layer(shape, weights, gradient, m, spare, layer)
        m.dh[:] = 0  # only this layer reads the last state of the layer below


@njit(**STRICT)
def loss_and_gradient(error, loss, scale):
    """Sum the losses of errors, forecast - actual, and replace errors by gradients.

    ``scale`` is one over the number of elements of the mean.
    """
    total, p = 0.0, f4(loss.parameter)
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
        elif e == 0:  # at the kink of the pinball loss torch takes the mean slope
            value, slope = f4(0), f4(0.5) - p
        else:
            value = (f4(1) - p) * e if e > 0 else -p * e
            slope = (f4(1) - p) if e > 0 else -p
        total += value
        error[k] = slope * scale
    return total


@njit(**STRICT)
def cross_entropy_and_gradient(logits, targets, scale):
    """Sum the cross-entropies of a block, and replace logits by gradients.

    Args:
        logits: ``(K, n)``.
        targets: weights of the classes, ``(n, K)``.
        scale: one over the number of windows of the mean.
    """
    total = 0.0
    for k in range(logits.shape[1]):
        top, exponentials, weight = logits[0, k], f4(0), f4(0)
        for j in range(1, len(logits)):
            top = max(top, logits[j, k])
        for j in range(len(logits)):
            exponentials += np.exp(logits[j, k] - top)
            weight += targets[k, j]
        offset = top + np.log(exponentials)
        for j in range(len(logits)):
            e = logits[j, k] - offset
            total -= e * targets[k, j]
            logits[j, k] = (np.exp(e) * weight - targets[k, j]) * scale
    return total


# --- The optimizer


@njit(**SUMS)
def norm(gradient):
    """Return the Euclidean norm of a gradient."""
    total = f4(0)
    for k in range(gradient.size):
        total += gradient[k] * gradient[k]
    return np.sqrt(total)


@njit(**STRICT)
def adam(weights, moments, gradient, step, rate, beta):
    """Update the weights by a gradient; ``beta`` is the decay rate of the mean."""
    moments.count[0] += 1
    mean, square, count = moments.mean, moments.square, moments.count[0]
    scale = f4(1)
    if step.clip < np.inf:
        scale = f4(min(step.clip / (norm(gradient) + 1e-6), 1.0))
    b1, b2 = f4(beta), f4(0.999)
    pace = f4(rate / (1 - beta**count))
    root = f4(1 / np.sqrt(1 - 0.999**count))
    shrunk = f4(1 - rate * step.decay) if step.decoupled else f4(1)
    added = f4(0) if step.decoupled else f4(step.decay)
    for k in range(mean.size):
        w = weights[k] * shrunk
        g = gradient[k] * scale + added * w
        mean[k] = b1 * mean[k] + (f4(1) - b1) * g
        square[k] = b2 * square[k] + (f4(1) - b2) * g * g
        weights[k] = w - pace * mean[k] / (np.sqrt(square[k]) * root + f4(1e-8))


# --- Entry points from Python


@_compiled
def train(
    shape, weights, moments, inputs, targets, batch, rates, betas, loss, step, block
):
    """Train on windows, with an optimizer step for each batch.

    Args:
        shape: of the network.
        weights: float32, changed in place.
        moments: of the optimizer, changed in place.
        inputs: ``(windows, S)``, float32.
        targets: ``(windows, K)``, float32.
        batch: windows per step.
        rates, betas: learning rate, and Adam's first beta, of each step.
        loss: the loss function.
        step: settings of the optimizer.
        block: windows computed together.

    Returns:
        The sum of the batches' mean losses, each times its number of windows; and the
        gradient of the last batch.
    """
    rows, width = count_gates(shape) * shape.hidden, shape.steps * shape.inputs
    max_size = max(rows * max(shape.inputs, shape.hidden), shape.horizon * width)
    spare = np.empty(max(max_size, shape.horizon * shape.hidden), f4)
    gradient = np.zeros(weights.size, f4)
    n, total = min(block, batch, len(inputs)), 0.0
    m = allocate(shape, n)
    for begin in range(0, len(inputs), batch):
        end = min(begin + batch, len(inputs))
        terms = 1 if loss.kind == CROSS_ENTROPY else shape.horizon  # of a window
        scale = f4(1.0 / ((end - begin) * terms))
        gradient[:] = 0
        for at in range(begin, end, block):
            until = min(at + block, end)
            if until - at != n:
                n = until - at
                m = allocate(shape, n)
            forward(shape, weights, m, inputs[at:until])
            if loss.kind == CROSS_ENTROPY:
                total += cross_entropy_and_gradient(m.error, targets[at:until], scale)
            else:
                for k in range(n):
                    for j in range(shape.horizon):
                        m.error[j, k] -= targets[at + k, j]
                total += loss_and_gradient(m.error.ravel(), loss, scale) / terms
            backward(shape, weights, gradient, m, spare)
        number = begin // batch
        adam(weights, moments, gradient, step, rates[number], betas[number])
    return total, gradient


@_compiled
def forecast(shape, weights, inputs, forecasts, block):
    """Write the forecasts of ``inputs (windows, S)`` to ``forecasts (windows, K)``."""
    forecast_groups(
        shape, weights, inputs, np.array([0, len(inputs)]), forecasts, block
    )


@_compiled
def forecast_groups(shape, weights, inputs, borders, forecasts, block):
    """Write forecasts, as `forecast` does, of groups of windows.

    No block has windows of two groups, so that a group's forecasts are the same bits
    alone and among others.

    Args:
        shape, weights, block: as in `train`.
        inputs: ``(windows, S)``, float32.
        borders: of the groups, ``(groups + 1,)``.
        forecasts: output, ``(windows, K)``.
    """
    n = min(block, borders[1] - borders[0])
    m = allocate(shape, n)
    for group in range(len(borders) - 1):
        for at in range(borders[group], borders[group + 1], block):
            until = min(at + block, borders[group + 1])
            if until - at != n:
                n = until - at
                m = allocate(shape, n)
            forward(shape, weights, m, inputs[at:until])
            transpose(m.error, forecasts[at:until])
