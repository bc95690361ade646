"""The record of a version, and a series in it, with errors that help."""

import difflib

from forecasting.track_record.record import TrackRecord
from serving.errors import HistoryLeftOut, NoTrackRecord, UnknownSeriesId
from serving.registry.loaded_model import LoadedModel

MAX_NEAR = 5  # names in an error
MAX_COMPARED = 500  # names compared letter by letter, which is slow
MAX_COMPARED_CHARACTERS = 100


def get_record(model: LoadedModel) -> TrackRecord:
    """Return the track record of a version.

    Raises:
        NoTrackRecord: it was registered without one.
    """
    if model.record is None:
        raise NoTrackRecord(model.name, model.version)
    return model.record


def find_series(record: TrackRecord, series_id: str) -> int:
    """Return the position of a series in the history.

    Raises:
        UnknownSeriesId: the model was not trained on it.
        HistoryLeftOut: its history is not stored.
    """
    place = record.places.get(series_id)
    if place is None:
        near = find_near(record, series_id)
        raise UnknownSeriesId(series_id, near, record.num_series)
    if place >= len(record.history):
        raise HistoryLeftOut(series_id, len(record.history), record.num_series)
    return place


def find_near(record: TrackRecord, series_id: str) -> list[str]:
    """Return a few names like an unknown one: those that contain it, or look alike."""
    names, folded = record.figures.series_ids, record.folded
    lowered = series_id.casefold()
    near = [
        name
        for name, text in zip(names, folded, strict=True)
        if lowered and (lowered in text or text in lowered)
    ]
    if near:
        return near[:MAX_NEAR]
    candidates = {
        text[:MAX_COMPARED_CHARACTERS]: name
        for name, text in zip(names[:MAX_COMPARED], folded, strict=False)
    }
    alike = difflib.get_close_matches(
        lowered[:MAX_COMPARED_CHARACTERS], candidates, MAX_NEAR
    )
    return [candidates[text] for text in alike] or list(names[:MAX_NEAR])
