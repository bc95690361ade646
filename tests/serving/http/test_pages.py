"""The pages run only their own scripts, and need no other machine."""

import base64
import hashlib
import re

import pytest

from serving.http.pages import content_security_policy


@pytest.fixture(scope="module")
def page(service):
    return service.client.get("/")


def test_the_page_is_html_under_a_policy(page):
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_policy_names_the_script_of_the_page(page):
    script = re.search(r"<script>(.*?)</script>", page.text, re.DOTALL)[1]

    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert (
        f"script-src 'self' 'sha256-{digest}'"
        in page.headers["content-security-policy"]
    )


def test_a_script_that_was_slipped_in_is_not_in_the_policy():
    policy = content_security_policy("<script>good()</script>")

    assert content_security_policy("<script>good()</script><b>") == policy
    assert content_security_policy("<script>bad()</script>") != policy


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_needs_no_other_machine(service, path):
    html = service.client.get(path).text

    links = re.findall(r"(?:src|href|action)=[\"']([^\"']+)", html)
    for link in (link for link in links if not link.startswith("data:")):
        assert service.client.get(f"/{link}").status_code == 200, link
    assert not re.search(r"(https?:)?//(?!www\.w3\.org)[a-z0-9.-]+\.[a-z]{2,}", html)


def test_data_never_becomes_markup(page):
    for door in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ):
        assert door not in page.text


def test_the_page_sends_a_key_and_stores_it_nowhere(page):
    assert 'Authorization: "Bearer " + key' in page.text
    for store in ("localStorage", "sessionStorage", "indexedDB", "cookie"):
        assert store not in page.text


def test_every_field_has_a_label(page):
    fields = re.findall(
        r"<(?:select|textarea|input type=.number.|input id)[^>]*", page.text
    )
    for field in fields:
        name = re.search(r'id="([^"]+)"', page.text[page.text.index(field) :])[1]
        assert f'<label for="{name}">' in page.text
    assert len(fields) >= 4
