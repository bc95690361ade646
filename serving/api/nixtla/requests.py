"""Schemas of the client's requests: a flat array of all series, without names."""

from typing import Annotated, Any, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from serving.api.nixtla.decompression import decompress
from serving.errors import Loc, RequestError
from serving.http.decoding import BodyDecoder
from serving.schemas.request import MAX_SENT_LEVELS
from serving.settings import Settings

Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Text = Annotated[str, Meta(max_length=500)]

# In percent; 0 is the median among quantiles. Responses repeat them unchanged.
Level = Annotated[int, Meta(ge=0, le=99)] | Annotated[float, Meta(ge=0, le=99)]
Levels = Annotated[list[Level], Meta(max_length=MAX_SENT_LEVELS)]
AnomalyLevel = Annotated[int, Meta(ge=1, le=99)] | Annotated[float, Meta(ge=1, le=99)]
Unsupported = Raw | UnsetType  # refused unless it is empty
EMPTY = (b"null", b"[]", b"{}")

A = TypeVar("A", bound="NixtlaRequest")


class SentSeries(Struct, kw_only=True):
    """Values of all series, series after series, oldest first."""

    y: Annotated[list[float], Meta(min_length=1)]
    sizes: Annotated[list[Count], Meta(min_length=1)]
    X: Unsupported = UNSET
    X_future: Unsupported = UNSET
    start_datetime: list[Text] | None = None


class NixtlaRequest(Struct, kw_only=True):
    """The fields of every request; unknown fields are ignored."""

    series: SentSeries
    model: Text
    freq: Text
    finetune_steps: int = 0
    finetuned_model_id: str | None = None
    feature_contributions: bool = False
    multivariate: bool = False
    model_parameters: Unsupported = UNSET


class ForecastBody(NixtlaRequest, kw_only=True):
    """The body of ``forecast``."""

    h: Count
    level: Levels | None = None


class CrossValidationBody(NixtlaRequest, kw_only=True):
    """The body of ``cross_validation``, and of ``forecast`` with ``add_history``."""

    h: Count
    n_windows: Count
    step_size: Count
    level: Levels | None = None
    full_history: bool = False


class AnomalyBody(NixtlaRequest, kw_only=True):
    """The body of ``detect_anomalies``."""

    level: AnomalyLevel


class OnlineAnomalyBody(AnomalyBody, kw_only=True):
    """The body of ``detect_anomalies_online``."""

    h: Count
    detection_size: Count
    step_size: Count | None = None
    threshold_method: str = "univariate"


KINDS = (ForecastBody, CrossValidationBody, AnomalyBody, OnlineAnomalyBody)
DECODERS: dict[type, BodyDecoder[Any]] = {kind: BodyDecoder(kind) for kind in KINDS}


def read_request(kind: type[A], body: bytes, encoding: str, settings: Settings) -> A:
    """Decompress, decode and check a body; runs in a worker thread.

    Raises:
        BodyTooLarge: the body has too many bytes.
        RequestError: the body cannot be read, or needs a feature that is missing.
    """
    plain = decompress(body, encoding, settings.max_body_bytes)
    request: A = DECODERS[kind].decode(plain)
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
            _is_filled(request.series.X) or _is_filled(request.series.X_future),
            ("series", "X"),
            "exogenous variables and date features come without names, so that they "
            "cannot be matched with a model's: leave them out, or ask POST "
            "/v1/models/NAME/forecast",
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
        (
            _is_filled(request.model_parameters),
            ("model_parameters",),
            "there are none here",
        ),
        (
            getattr(request, "threshold_method", "univariate") != "univariate",
            ("threshold_method",),
            "univariate only: series are looked at one by one here",
        ),
    ]
    return [(loc, text) for is_used, loc, text in checks if is_used]


def _is_filled(value: Unsupported) -> bool:
    return isinstance(value, Raw) and bytes(value) not in EMPTY
