"""Networks plain enough for arithmetic that is not torch's own layers'.

A window goes through recurrent layers, their last state through a linear head, and a
linear part of the window may be added: nothing else.
"""

from forecasting.models.network import RecurrentNetwork
from forecasting.training.recipe.config import TrainingConfig

CELLS = ("rnn", "lstm", "gru")


def missing_for_loops(network: RecurrentNetwork, config: TrainingConfig) -> list[str]:
    """Return what a training would have to be besides what it is; nothing if plain."""
    model = network.config
    reasons = {
        f"cell {', '.join(CELLS)}": model.cell in CELLS,
        "one direction": not model.bidirectional,
        "strategy direct": model.strategy == "direct",
        "loss_at end": model.loss_at == "end",
        "no quantiles": not model.quantiles,
        "no covariates": network.reader is None,
        "no dropout between layers": model.dropout == 0 or model.num_layers == 1,
        "truncate null": config.truncate is None,
    }
    return [name for name, there in reasons.items() if not there]
