"""The last observations of a series in the form of a request, for any version."""

from serving.errors import UnknownSeriesId
from serving.records.lookup import find_near
from serving.registry.description import describe_context
from serving.registry.loaded_model import LoadedModel
from serving.schemas.forecast import History

MAX_NAMES = 5  # in an error, without a record to search for near ones


def show_context(model: LoadedModel, series_id: str) -> History:
    """Return the observations that a forecast of a series needs, with covariates.

    A request with them gives the forecast of a request without any series. It needs no
    track record: the model holds them.

    Raises:
        UnknownSeriesId: the model was not trained on it.
    """
    trained = model.forecaster.trained
    names = trained.context.series_ids
    if series_id not in names:
        record = model.record
        near = names[:MAX_NAMES] if record is None else find_near(record, series_id)
        raise UnknownSeriesId(series_id, near, len(names))
    row = names.index(series_id)
    return describe_context(trained.context, row, trained.covariates)
