"""HEAD is answered as GET, without the body."""

import pytest


@pytest.mark.parametrize("address", ["/", "/livez", "/v1/models", "/openapi.json"])
def test_head_has_the_headers_of_get_and_no_body(service, address):
    whole = service.client.get(address)

    head = service.client.head(address)

    assert head.status_code == whole.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "content-security-policy"):
        assert head.headers[name] == whole.headers[name]


def test_head_of_an_address_that_takes_post_is_refused(service):
    head = service.client.head("/v1/models/waves/forecast")

    assert head.status_code == 405
    assert head.headers["allow"] == "POST"


def test_head_is_logged_as_what_it_is(service):
    service.client.head("/livez", headers={"X-Request-ID": "a-head"})

    [line] = service.requests("a-head")
    assert (line["method"], line["route"]) == ("HEAD", "/livez")
