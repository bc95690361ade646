"""The label of each series, or of each step; runs in a worker thread.

Estimators are imported where they answer: scikit-learn would slow down each start.
"""

from typing import Any

import numpy as np

from forecasting.types import FloatArray
from serving.errors import RequestTooLarge
from serving.http.decoding import BodyDecoder
from serving.registry.loaded_model import LoadedSequences
from serving.schemas.sequence_requests import ClassifyRequest, LabelRequest
from serving.sequences.encoding import (
    SERIES,
    check_probabilities,
    encode_answer,
    located_errors,
)
from serving.sequences.values import check_size, group_by_length, make_arrays
from serving.settings import Settings

MAX_EXPLAINED, MAX_EXPLAINED_STEPS = 500, 20_000  # a series is a pass with gradients
CLASSIFY = BodyDecoder[ClassifyRequest](ClassifyRequest)
LABEL = BodyDecoder[LabelRequest](LabelRequest)


def classify(
    model: LoadedSequences, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Classify series; return the response body as JSON, and the number of series.

    Args:
        model: a classifier.
        alias: alias in the request; None where it named a version.
        body: JSON of a `ClassifyRequest`.
        settings: the limits.

    Raises:
        RequestError: the body, or a series in it, cannot be used.
        RequestTooLarge: it exceeds the limits.
    """
    from forecasting.sequences.answers.explanation import explain_class
    from forecasting.sequences.classifier import SequenceClassifier

    classifier, request = model.model, CLASSIFY.decode(body)
    assert isinstance(classifier, SequenceClassifier)
    assert model.evaluator is not None
    series, channels = request.series, classifier.channels_
    lengths = [len(one.values) for one in series]
    count = len(series) * len(classifier.classes_)
    check_size(
        settings,
        lengths,
        channels=channels,
        numbers=count + sum(lengths) * channels * request.explain,
    )
    if request.explain:
        _check_explained(len(series), sum(lengths))
    arrays = make_arrays(series, model)
    rows = np.empty((len(arrays), len(classifier.classes_)))
    with located_errors(SERIES):
        for group in group_by_length(arrays):
            rows[group] = model.evaluator.predict_proba([arrays[n] for n in group])
    check_probabilities(rows)
    labels = classifier.classes_[rows.argmax(1)].tolist()
    predictions: list[dict[str, Any]] = [
        {"id": one.id, "label": label, "probabilities": row}
        for one, label, row in zip(series, labels, rows, strict=True)
    ]
    if request.explain:
        for prediction, array in zip(predictions, arrays, strict=True):
            explanation = explain_class(classifier, array, prediction["label"])
            prediction |= {"parts": explanation.parts, "share": explanation.share}
    classes = model.details.classes
    content = encode_answer(model, alias, classes=classes, predictions=predictions)
    return content, len(series)


def _check_explained(series: int, steps: int) -> None:
    """Refuse explanations that would take many seconds.

    Raises:
        RequestTooLarge: there are too many series or steps to explain.
    """
    for items, count, maximum in (
        ("series to explain", series, MAX_EXPLAINED),
        ("steps to explain", steps, MAX_EXPLAINED_STEPS),
    ):
        if count > maximum:
            raise RequestTooLarge(items, count, maximum, SERIES)


def label_steps(
    model: LoadedSequences, alias: str | None, body: bytes, settings: Settings
) -> tuple[bytes, int]:
    """Label the steps of series; as `classify`, by a labeler and a `LabelRequest`."""
    from forecasting.sequences.labeler import SequenceLabeler

    labeler, request = model.model, LABEL.decode(body)
    assert isinstance(labeler, SequenceLabeler)
    series, classes = request.series, labeler.classes_
    lengths = [len(one.values) for one in series]
    check_size(
        settings,
        lengths,
        channels=labeler.channels_,
        numbers=sum(lengths) * (len(classes) if request.probabilities else 1),
    )
    arrays = make_arrays(series, model)
    every: dict[int, FloatArray] = {}
    with located_errors(SERIES):
        for group in group_by_length(arrays):
            rows = labeler.predict_proba([arrays[n] for n in group])
            every |= dict(zip(group, rows, strict=True))
    predictions = []
    for number, one in enumerate(series):
        rows_of_one = np.ascontiguousarray(every[number])
        check_probabilities(rows_of_one)
        labels = classes[rows_of_one.argmax(1)].tolist()
        prediction: dict[str, Any] = {"id": one.id, "labels": labels}
        if request.probabilities:
            prediction["probabilities"] = rows_of_one
        predictions.append(prediction)
    content = encode_answer(
        model, alias, classes=model.details.classes, predictions=predictions
    )
    return content, len(series)
