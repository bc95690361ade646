"""Bodies are decoded once; the first flaw has its location and the value found."""

import json

import pytest

from serving.errors import RequestError
from serving.forecasts.forecast import DECODER
from serving.http.decoding import MAX_LOOKUP_BYTES, BodyDecoder


def flaw_of(decode, *arguments):
    with pytest.raises(RequestError) as caught:
        decode(*arguments)
    [flaw] = caught.value.flaws
    return flaw.loc[1:], flaw.msg


def one(**fields):
    return json.dumps({"series": [{"id": "a", "values": [1.0]} | fields]}).encode()


@pytest.mark.parametrize(
    ("body", "place", "message"),
    [
        (b"[]", [], "an object is needed; found a list of 0"),
        (b"{", [], "Invalid JSON: Input data was truncated"),
        (b'{"horizon":3}]', [], "Invalid JSON: trailing characters (byte 14)"),
        (one(id=3), ["series", 0, "id"], "a text is needed; found 3"),
        (
            one(id=""),
            ["series", 0, "id"],
            'a text of at least 1 character is needed; found ""',
        ),
        (
            one(values=[]),
            ["series", 0, "values"],
            "a list of at least 1 item is needed; found a list of 0",
        ),
        (
            one(values=[1, [2]]),
            ["series", 0, "values", 1],
            "a number is needed; found a list of 1",
        ),
        (
            one(timestamps=[1, 1.5]),
            ["series", 0, "timestamps", 1],
            "a whole number or a text is needed; found 1.5",
        ),
        (
            one(static_covariates=1),
            ["series", 0, "static_covariates"],
            "an object is needed; found 1",
        ),
        (b'{"series":[{"id":"a"}]}', ["series", 0, "values"], "required, and missing"),
        (b'{"levels":[5,100]}', ["levels", 1], "a number of at most 99 is needed; "
         "found 100"),
    ],
)  # fmt: skip
def test_a_flaw_names_location_expected_and_found(body, place, message):
    assert flaw_of(DECODER.decode, body) == (place, message)


def test_an_unknown_key_is_named_with_those_that_there_are():
    place, message = flaw_of(DECODER.decode, one(value=[1]))

    assert place == ["series", 0, "value"]
    assert message.startswith("unknown key; there is id, values, timestamps, past_")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"values": [1, 777]}, ["values", 1]),
        (
            {"past_covariates": {"x": [0], "y": [0, 0, 777]}},
            ["past_covariates", "y", 2],
        ),
        ({"static_covariates": {"x": 777}}, ["static_covariates", "x"]),
    ],
)
def test_a_number_that_is_not_finite_is_found_wherever_it_is(number, fields, place):
    body = one(**fields).replace(b"777", number.encode())
    if number == "1e999" and "values" not in fields:
        return  # valid JSON, which the covariates of the model find

    place_found, message = flaw_of(DECODER.decode, body)

    assert place_found == ["series", 0, *place]
    assert message.startswith("a finite number is needed")


def test_an_earlier_flaw_is_named_before_a_number_that_is_not_finite():
    body = b'{"series":[{"values":[NaN]}],"horizon":0}'

    place, _ = flaw_of(DECODER.decode, body)

    assert place == ["series", 0, "values", 0]


def test_the_value_found_is_shortened_and_of_a_large_body_its_kind_alone():
    long = one(values=["x" * 1000])
    large = one(values=["x" * MAX_LOOKUP_BYTES])

    assert flaw_of(DECODER.decode, long)[1].endswith(" ... (1,002 in all)")
    assert flaw_of(DECODER.decode, large)[1] == "a number is needed; found a text"


def test_a_part_of_a_body_has_the_location_of_the_part():
    decoder = BodyDecoder(list[float])

    with pytest.raises(RequestError) as caught:
        decoder.decode(b"[1, null]", ("body", "inputs", 3))

    assert caught.value.flaws[0].loc == ["body", "inputs", 3, 1]
