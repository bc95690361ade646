"""How much arithmetic training is, and how fast the machine can do arithmetic."""

import torch

from benchmarks.common.job import GATES, Job

SIDE = 1024  # of the matrices of a product


PRODUCTS = 10  # a run


def training_flops(job: Job) -> int:
    """Return the floating-point operations of one window in one training step.

    Matrix products only, two operations for each multiplication, of G gates (LSTM 4,
    GRU 3, RNN 1), H = hidden_size, T = seq_len observations of F = 1 feature and h =
    horizon steps:

        recurrent  2 G H² (T - 1)     the first state is zero, and is not multiplied
        input      2 G H T F
        head       2 H h

    Backward, each has two more of the same size, the gradient of its weights and that
    of its input; but nobody needs the gradient of the observations. In all
    3 (recurrent + input + head) - input.
    """
    gates, size = GATES[job.cell], job.hidden_size
    recurrent = 2 * gates * size * size * (job.seq_len - 1)
    read = 2 * gates * size * job.seq_len
    head = 2 * size * job.horizon
    return 3 * (recurrent + read + head) - read


def multiply_matrices() -> float:
    """Multiply square float32 matrices; return how many billion operations it was."""
    left, right = torch.rand(2, SIDE, SIDE)
    product = torch.empty(SIDE, SIDE)
    for _ in range(PRODUCTS):
        torch.mm(left, right, out=product)
    return PRODUCTS * 2 * SIDE**3 / 1e9
