"""Requirements of the engines that replace torch's layers: compiled and stacked.

They support recurrent layers over a window, a linear head on the last state, and an
optional linear part of the window; nothing else.
"""

from forecasting.models.network import RecurrentNetwork
from forecasting.training.recipe.config import TrainingConfig

CELLS = ("rnn", "lstm", "gru")


def missing_for_loops(network: RecurrentNetwork, config: TrainingConfig) -> list[str]:
    """List the requirements that a training does not meet; empty if supported."""
    model = network.config
    requirements = {
        f"cell {', '.join(CELLS)}": model.cell in CELLS,
        "one direction": not model.bidirectional,
        "strategy direct": model.strategy == "direct",
        "loss_at end": model.loss_at == "end",
        "no quantiles": not model.quantiles,
        "no covariates": network.reader is None,
        "no dropout between layers": model.dropout == 0 or model.num_layers == 1,
        "truncate null": config.truncate is None,
    }
    return [name for name, supported in requirements.items() if not supported]
