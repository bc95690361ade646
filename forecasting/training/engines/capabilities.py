"""Capabilities of the engines: the reasons that one cannot train a network.

    torch        torch's layers: every network on every device
    fused        compiled loops: plain networks on the CPU
    stacked      torch, with the weights of plain networks stacked on a GPU
    cuda_graph   torch, with gradients replayed on a GPU
    distributed  torch, in several processes

A plain network has recurrent layers in one direction over a window, a linear head on
the last state, and an optional linear part of the window; nothing else.
"""

import importlib.util
from collections.abc import Sequence
from typing import Literal

import torch

from forecasting.devices import SMALL_HIDDEN
from forecasting.models.network import RecurrentNetwork
from forecasting.training.engines.distributed import num_processes
from forecasting.training.recipe.config import TrainingConfig

EngineName = Literal["torch", "fused", "stacked", "cuda_graph", "distributed"]
PLAIN_CELLS = ("rnn", "lstm", "gru")
MIN_MEMBERS = 4  # of a stack: with fewer members, cuDNN needs fewer launches
MIN_STEPS = 100  # of a training, to make up for the cost of recording a graph


def missing_capabilities(
    engine: EngineName,
    networks: Sequence[RecurrentNetwork],
    config: TrainingConfig,
    steps: int,
) -> list[str]:
    """List the requirements of an engine that a training does not meet.

    Args:
        engine: name of the engine.
        networks: of one shape, on one device.
        config: training settings.
        steps: number of optimizer steps.

    Returns:
        Requirements in words; empty if the engine can train the networks.
    """
    network, model = networks[0], networks[0].config
    parameter = next(network.parameters())
    device = parameter.device.type
    is_forced = model.strategy != "direct" and config.teacher_forcing > 0
    on_gpu = {"a CUDA device": device == "cuda"}
    alone = {"a single process": num_processes() == 1}
    no_dropout = {
        "no dropout between layers": model.dropout == 0 or model.num_layers == 1
    }
    plain = {
        f"cell {', '.join(PLAIN_CELLS)}": model.cell in PLAIN_CELLS,
        "one direction": not model.bidirectional,
        "strategy direct": model.strategy == "direct",
        "loss_at end": model.loss_at == "end",
        "no quantiles": not model.quantiles,
        "no covariates, no symbols, equal lengths": network.reads_rows,
        **no_dropout,
        "truncate null": config.truncate is None,
    }
    requirements: dict[EngineName, dict[str, bool]] = {
        "torch": {},
        "fused": {
            "float32 on the CPU": device == "cpu"
            and parameter.dtype == torch.float32
            and config.precision != "bfloat16",
            "numba": importlib.util.find_spec("numba") is not None,
            **alone,
            **plain,
        },
        "stacked": {
            **on_gpu,
            "float32": config.precision != "bfloat16",
            f"{MIN_MEMBERS} members": len(networks) >= MIN_MEMBERS,
            f"hidden_size below {SMALL_HIDDEN}": model.hidden_size < SMALL_HIDDEN,
            **alone,
            **plain,
        },
        "cuda_graph": {
            **on_gpu,
            f"{MIN_STEPS} steps": steps >= MIN_STEPS,
            "no teacher forcing": not is_forced,
            "no classes": network.loss_name is None,
            **no_dropout,
            **alone,
        },
        "distributed": {"cpu or cuda": device in ("cpu", "cuda")},
    }
    return [name for name, is_met in requirements[engine].items() if not is_met]
