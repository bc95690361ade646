"""Count of floating-point operations in training, and speed of matrix products."""

import torch

from benchmarks.common.job import GATES, Job

MATRIX_SIZE = 1024  # rows and columns of the matrices in a product
NUM_PRODUCTS = 10  # in a run


def training_flops(job: Job) -> int:
    """Return the floating-point operations of one window in one training step.

    Matrix products only, two operations for each multiplication, of G gates (LSTM 4,
    GRU 3, RNN 1), H = hidden_size, T = seq_len observations of F = 1 feature and h =
    horizon steps:

        recurrent  2 G H² (T - 1)     the first state is zero and is not multiplied
        input      2 G H T F
        head       2 H h

    The backward pass has two products of the same size for each: the gradient of its
    weights and that of its input. Only the gradient of the observations is not needed.
    The total is 3 (recurrent + input + head) - input.
    """
    gates, size = GATES[job.cell], job.hidden_size
    recurrent = 2 * gates * size * size * (job.seq_len - 1)
    input_flops = 2 * gates * size * job.seq_len
    head = 2 * size * job.horizon
    return 3 * (recurrent + input_flops + head) - input_flops


def multiply_matrices() -> float:
    """Multiply square float32 matrices and return the billions of operations."""
    left, right = torch.rand(2, MATRIX_SIZE, MATRIX_SIZE)
    product = torch.empty(MATRIX_SIZE, MATRIX_SIZE)
    for _ in range(NUM_PRODUCTS):
        torch.mm(left, right, out=product)
    return NUM_PRODUCTS * 2 * MATRIX_SIZE**3 / 1e9
