"""No body, however odd, makes the service fail."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.schemas.forecast import ForecastAnswer

numbers = st.integers() | st.floats() | st.floats(-100, 100)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=5)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
dates = st.dates().map(str) | st.datetimes().map(str) | st.text(max_size=12)
stamps = st.lists(dates | numbers, min_size=6, max_size=8)
series = st.fixed_dictionaries(
    {
        "id": st.text(st.characters(), max_size=3) | scalars,
        "values": st.lists(numbers, min_size=6, max_size=8) | anything,
    },
    optional={
        "timestamps": st.lists(dates | numbers, min_size=6, max_size=8) | anything
    },
)
bodies = anything | st.fixed_dictionaries(
    {},
    optional={
        "series": st.lists(series, max_size=3) | anything,
        "horizon": st.integers(-2, 120) | scalars,
        "levels": st.lists(numbers, max_size=3) | anything,
    },
)


@settings(max_examples=200)
@given(body=bodies, name=st.sampled_from(["waves", "my steps"]))
def test_any_json_is_answered_or_refused(service, body, name):
    response = service.client.post(
        f"/v1/models/{name}/forecast", content=json.dumps(body)
    )

    assert response.status_code in (200, 413, 422), response.text
    if response.status_code == 200:
        ForecastAnswer.model_validate_json(response.content)


options = st.fixed_dictionaries(
    {},
    optional={
        "freq": st.sampled_from(["D", "MS", "B", "h"]) | st.text(max_size=4) | scalars,
        "season_length": st.integers(-1, 30) | st.just("auto") | scalars,
    },
)


@settings(max_examples=200)
@given(body=bodies, more=options)
def test_any_json_is_forecast_without_a_model_or_refused(service, body, more):
    body = body | more if isinstance(body, dict) else body
    response = service.client.post("/v1/forecast", content=json.dumps(body))

    assert response.status_code in (200, 413, 422), response.text
    if response.status_code == 200:
        ForecastAnswer.model_validate_json(response.content)
