"""What the client sends: one flat array for all series, and no names of them."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from serving.api.nixtla.decompression import unpack
from serving.errors import Loc, RequestError
from serving.http.validation import read_body
from serving.schemas.forecast import FEW
from serving.schemas.series import Numbers
from serving.settings import Settings

Count = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


Text = Annotated[str, Field(max_length=500)]


# In percent. 0 comes of the median among quantiles. Answers show them as they came.
Level = Annotated[
    Annotated[int, Field(strict=True)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)],
    Field(ge=0, le=99),
]


A = TypeVar("A", bound="NixtlaRequest")


class SentSeries(BaseModel):
    """Series after series, oldest observation first."""

    y: Numbers = Field(min_length=1)
    sizes: Annotated[list[Count], Field(fail_fast=True)] = Field(min_length=1)
    X: list[Any] | None = None
    X_future: list[Any] | None = None
    start_datetime: Annotated[list[Text], Field(fail_fast=True)] | None = None


class NixtlaRequest(BaseModel):
    """What every call sends; what we do not know of is let pass."""

    series: SentSeries
    model: Text
    freq: Text
    finetune_steps: int = 0
    finetuned_model_id: str | None = None
    feature_contributions: bool = False
    multivariate: bool = False
    model_parameters: dict[str, Any] | None = None


class ForecastBody(NixtlaRequest):
    """``forecast``: what follows each series."""

    h: Count
    level: Annotated[list[Level], FEW] | None = None


class CrossValidationBody(NixtlaRequest):
    """``cross_validation``, and the history that ``forecast`` adds."""

    h: Count
    n_windows: Count
    step_size: Count
    level: Annotated[list[Level], FEW] | None = None
    full_history: bool = False


class AnomalyBody(NixtlaRequest):
    """``detect_anomalies``: which observations lie outside their interval."""

    level: Annotated[Level, Field(ge=1)]


class OnlineAnomalyBody(AnomalyBody):
    """``detect_anomalies_online``: which of the latest do."""

    h: Count
    detection_size: Count
    step_size: Count | None = None
    threshold_method: str = "univariate"


def read(kind: type[A], body: bytes, encoding: str, settings: Settings) -> A:
    """Return what a body asks for, if it can be had; runs in a thread.

    Raises:
        BodyTooLarge: it has too many bytes.
        RequestError: it cannot be read, or asks for what there is not.
    """
    asked = read_body(kind, unpack(body, encoding, settings.max_body_bytes), settings)
    _check_sizes(asked.series)
    flaws = [(("body", *loc), text) for loc, text in _not_offered(asked)]
    if flaws:
        raise RequestError(flaws)
    return asked


def _check_sizes(series: SentSeries) -> None:
    starts, total = series.start_datetime, sum(series.sizes)
    if total != len(series.y):
        text = f"they add up to {total}, and there are {len(series.y)} values in y"
        raise RequestError([(("body", "series", "sizes"), text)])
    if starts is not None and len(starts) != len(series.sizes):
        text = f"{len(starts)} of them for {len(series.sizes)} series; give one each"
        raise RequestError([(("body", "series", "start_datetime"), text)])


def _not_offered(asked: NixtlaRequest) -> list[tuple[Loc, str]]:
    """Return what is asked for and cannot be had here, and what to do instead."""
    asks: list[tuple[object, Loc, str]] = [
        (
            asked.finetune_steps or asked.finetuned_model_id,
            ("finetune_steps",),
            "models are not fine-tuned by requests here: train one and register it",
        ),
        (
            asked.series.X or asked.series.X_future,
            ("series", "X"),
            "exogenous variables and date features come without names, so that they "
            "cannot be matched with a model's: ask POST /v1/models/NAME/forecast",
        ),
        (
            asked.feature_contributions,
            ("feature_contributions",),
            "there are none here: ask POST /v1/models/NAME/explain",
        ),
        (asked.multivariate, ("multivariate",), "series are forecast one by one here"),
        (asked.model_parameters, ("model_parameters",), "there are none here"),
        (
            getattr(asked, "threshold_method", "univariate") != "univariate",
            ("threshold_method",),
            "univariate only: series are looked at one by one here",
        ),
    ]
    return [(loc, text) for given, loc, text in asks if given]
