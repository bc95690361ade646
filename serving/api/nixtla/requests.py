"""Schemas of the client's requests: a flat array of all series, without names."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from serving.api.nixtla.decompression import decompress
from serving.errors import Loc, RequestError
from serving.http.shapes import check_nixtla
from serving.http.validation import read_body
from serving.schemas.forecast import LEVELS_FIELD
from serving.schemas.series import Numbers
from serving.settings import Settings

Count = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Text = Annotated[str, Field(max_length=500)]

# In percent; 0 is the median among quantiles. Responses repeat them unchanged.
Level = Annotated[
    Annotated[int, Field(strict=True)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)],
    Field(ge=0, le=99),
]

A = TypeVar("A", bound="NixtlaRequest")


class SentSeries(BaseModel):
    """Values of all series, series after series, oldest first."""

    y: Numbers = Field(min_length=1)
    sizes: Annotated[list[Count], Field(fail_fast=True)] = Field(min_length=1)
    X: list[Any] | None = None
    X_future: list[Any] | None = None
    start_datetime: Annotated[list[Text], Field(fail_fast=True)] | None = None


class NixtlaRequest(BaseModel):
    """The fields of every request; unknown fields are ignored."""

    series: SentSeries
    model: Text
    freq: Text
    finetune_steps: int = 0
    finetuned_model_id: str | None = None
    feature_contributions: bool = False
    multivariate: bool = False
    model_parameters: dict[str, Any] | None = None


class ForecastBody(NixtlaRequest):
    """The body of ``forecast``."""

    h: Count
    level: Annotated[list[Level], LEVELS_FIELD] | None = None


class CrossValidationBody(NixtlaRequest):
    """The body of ``cross_validation``, and of ``forecast`` with ``add_history``."""

    h: Count
    n_windows: Count
    step_size: Count
    level: Annotated[list[Level], LEVELS_FIELD] | None = None
    full_history: bool = False


class AnomalyBody(NixtlaRequest):
    """The body of ``detect_anomalies``."""

    level: Annotated[Level, Field(ge=1)]


class OnlineAnomalyBody(AnomalyBody):
    """The body of ``detect_anomalies_online``."""

    h: Count
    detection_size: Count
    step_size: Count | None = None
    threshold_method: str = "univariate"


def read_request(kind: type[A], body: bytes, encoding: str, settings: Settings) -> A:
    """Decompress, decode and check a body; runs in a worker thread.

    Raises:
        BodyTooLarge: the body has too many bytes.
        RequestError: the body cannot be read, or needs a feature that is missing.
    """
    plain = decompress(body, encoding, settings.max_body_bytes)
    request = read_body(kind, plain, settings, check_nixtla)
    _check_sizes(request.series)
    flaws = [(("body", *loc), text) for loc, text in _unsupported(request)]
    if flaws:
        raise RequestError(flaws)
    return request


def _check_sizes(series: SentSeries) -> None:
    starts, total = series.start_datetime, sum(series.sizes)
    if total != len(series.y):
        text = f"they add up to {total}, and there are {len(series.y)} values in y"
        raise RequestError([(("body", "series", "sizes"), text)])
    if starts is not None and len(starts) != len(series.sizes):
        text = f"{len(starts)} of them for {len(series.sizes)} series; give one each"
        raise RequestError([(("body", "series", "start_datetime"), text)])


def _unsupported(request: NixtlaRequest) -> list[tuple[Loc, str]]:
    """Return the locations of unsupported fields, with advice for each."""
    checks: list[tuple[object, Loc, str]] = [
        (
            request.finetune_steps or request.finetuned_model_id,
            ("finetune_steps",),
            "models are not fine-tuned by requests here: train one and register it",
        ),
        (
            request.series.X or request.series.X_future,
            ("series", "X"),
            "exogenous variables and date features come without names, so that they "
            "cannot be matched with a model's: ask POST /v1/models/NAME/forecast",
        ),
        (
            request.feature_contributions,
            ("feature_contributions",),
            "there are none here: ask POST /v1/models/NAME/explain",
        ),
        (
            request.multivariate,
            ("multivariate",),
            "series are forecast one by one here",
        ),
        (request.model_parameters, ("model_parameters",), "there are none here"),
        (
            getattr(request, "threshold_method", "univariate") != "univariate",
            ("threshold_method",),
            "univariate only: series are looked at one by one here",
        ),
    ]
    return [(loc, text) for is_used, loc, text in checks if is_used]
