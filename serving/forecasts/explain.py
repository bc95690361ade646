"""Handling of explain requests, body to response body; runs in a worker thread."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from forecasting.explanation.explain import Explanation, explain
from serving.errors import RequestError
from serving.forecasts.covariates import locate_infinite
from serving.forecasts.panels import make_panel
from serving.http.decoding import BodyDecoder
from serving.http.limits import check_limits
from serving.http.locations import V1_LOCATIONS, located_errors
from serving.registry.loaded_model import LoadedModel
from serving.schemas.forecast import Answering
from serving.schemas.request import ExplainRequest
from serving.settings import Settings

LOCATIONS = V1_LOCATIONS._replace(covariates_advice="")  # it says how many steps
DECODER = BodyDecoder[ExplainRequest](ExplainRequest, locate_infinite)
Grid = list[list[float]]


class ExplainAnswer(BaseModel):
    """How strongly each step depends on each observation, and the version explained.

    The method that answers is explained, or the network by itself where the request
    asks for it. A row a step of the forecast, a column a lag; in normalised units.
    """

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "model": {"name": "sales", "version": "3", "alias": "champion"},
                    "windows": 1,
                    "lags": [3, 2, 1],
                    "importance": [[0.02, 0.11, 0.64], [0.04, 0.17, 0.48]],
                    "sensitivity": [[0.03, 0.09, 0.81], [0.05, 0.14, 0.61]],
                    "covariates": {},
                    "methods": {"a": "network"},
                }
            ]
        },
    )

    model: Answering
    windows: int
    """Windows of the series that were averaged, at most 64, evenly spread."""
    lags: list[int]
    """Of the columns: 1 is the observation right before the forecast."""
    importance: Grid
    """Mean of the absolute gradient times the observation."""
    sensitivity: Grid
    """Mean of the absolute gradient alone."""
    covariates: dict[str, Grid]
    """Importance of each covariate that is a number; categories are left out.

    A column a lag: past ones from the first lag to 1, known ones on to the last step
    ahead, whose lags are 0, -1, ...; static ones have one column.
    """
    methods: dict[str, str]
    """The method that answers for each explained series: network, halfway, linear,
    smoothing, seasonal_naive, last_value or zero_shot."""


def explain_forecast(
    model: LoadedModel, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Explain a forecast; return the response body as JSON, and 0 forecasts.

    Args:
        model: model to explain.
        alias: alias in the request; None where it named a version.
        body: JSON of a `ExplainRequest`; empty means ``{}``.
        settings: the limits.

    Raises:
        RequestError: the body, or the series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    request = DECODER.decode(body or b"{}")
    steps = _check_size(request, model, settings)
    explanation = _explain(request, model)
    grids = {
        name: part[:steps].tolist() for name, part in explanation.by_feature().items()
    }
    content = {
        "model": {"name": model.name, "version": model.version, "alias": alias},
        "windows": explanation.windows,
        "lags": explanation.lags,
        "importance": grids.pop(explanation.target),
        "sensitivity": explanation.sensitivity[:steps].tolist(),
        "covariates": grids,
        "methods": dict(explanation.methods),
    }
    return to_json(content), 0


def _check_size(request: ExplainRequest, model: LoadedModel, settings: Settings) -> int:
    """Return the number of steps to explain; refuse more than the trained horizon."""
    windows, series = model.forecaster.windows, request.series or []
    lags = model.forecaster.trained.num_lags
    columns = 2 * lags
    for _, role, _ in model.forecaster.trained.covariates.numbers():
        length = lags + windows.horizon
        columns += {"past": lags, "known": length, "static": 1}[role]
    steps = request.horizon or windows.horizon
    check_limits(
        settings,
        series=len(series),
        points=sum(len(history.values) for history in series),
        horizon=request.horizon,
        levels=len(request.levels),
        numbers=steps * columns,
    )
    if steps > windows.horizon:
        message = f"at most {windows.horizon}, the trained horizon; found {steps}"
        raise RequestError([(("body", "horizon"), message)])
    return steps


def _explain(request: ExplainRequest, model: LoadedModel) -> Explanation:
    forecaster, panel = model.forecaster, None
    if request.series is not None:
        spec = forecaster.windows
        panel = make_panel(request.series, forecaster.trained, horizon=spec.horizon)
    with located_errors(LOCATIONS):
        return explain(
            forecaster, panel, part="network" if request.network else "model"
        )
