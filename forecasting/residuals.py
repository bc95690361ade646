"""Where a model errs on windows it was not fitted to: the evidence for intervals."""

import numpy as np
import torch

from forecasting.batches import EVALUATION_BATCH, WindowBatches
from forecasting.devices import Precision, autocast
from forecasting.ensemble import ensemble_forecast, ensemble_spread
from forecasting.guard import Guard, Inputs
from forecasting.networks import RecurrentNetwork
from forecasting.quantiles import to_scores
from forecasting.series import FloatArray
from forecasting.volatility import window_volatility

MOST = 100_000  # windows: more say no more about the spread of errors


@torch.no_grad()
def find_residuals(
    networks: list[RecurrentNetwork],
    checked: WindowBatches,
    precision: Precision,
    guard: Guard | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the errors on windows, as scores of quantiles if there are any.

    Args:
        networks: the members.
        checked: the windows; of more than `MOST`, so many evenly spread ones count.
        precision: of the networks' arithmetic.
        guard: whose choice among forecasts counts; None for the networks'.

    Returns:
        Actual minus forecast, normalised, ``(windows, horizon)``, and the windows'
        volatility, ``(windows,)``.
    """
    config, parts, volatility = networks[0].config, [], []
    for index in checked.windows.evenly(MOST).split(EVALUATION_BATCH):
        inputs, targets = checked.take(index)
        with autocast(inputs.device, precision, config.hidden_size, config.cell):
            forecast = ensemble_forecast(networks, inputs)
            spread = ensemble_spread(networks, inputs)
        if guard is not None:
            owners = checked.windows.locate(index)[0].cpu().numpy()
            given = Inputs(inputs, checked.frame(index))
            forecast = guard.apply(given, forecast, guard.choices(owners))
        errors = (targets - forecast).cpu().double().numpy()
        if spread is not None:
            errors = to_scores(errors, spread.cpu().double().numpy(), config.quantiles)
        parts.append(errors)
        window = inputs[:, : networks[0].seq_len, 0].cpu().double().numpy()
        volatility.append(window_volatility(window))
    return np.concatenate(parts), np.concatenate(volatility)
