"""The pages run only their own scripts, and need no other machine."""

import gzip
import json
import re
from importlib.resources import files

import pytest

from serving.http.assets import LANGUAGES, assets, preferred_language
from serving.http.pages import content_security_policy

PAGE = files("serving").joinpath("page")
MAX_BYTES = 150_000  # of the page with all that it loads, compressed


@pytest.fixture(scope="module")
def page(service):
    return service.client.get("/", headers={"Accept-Language": "en"})


def scripts():
    return {
        path: part.content.decode()
        for path, part in assets().items()
        if path.startswith("static/") and path.endswith(".js")
    }


def links_of(html):
    links = re.findall(r"(?:src|href|action)=[\"']([^\"']+)", html)
    return [link for link in links if not link.startswith(("data:", "?", "#"))]


def test_the_page_is_html_under_a_policy(page):
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_runs_files_of_its_own_alone(page):
    inline = re.findall(r"<script>|<style>|\sstyle=|\son[a-z]+=", page.text)

    assert inline == []
    assert "script-src 'self' ;" in page.headers["content-security-policy"]


def test_a_script_that_was_slipped_in_is_not_in_the_policy():
    policy = content_security_policy("<script>good()</script>")

    assert content_security_policy("<script>good()</script><b>") == policy
    assert content_security_policy("<script>bad()</script>") != policy


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_needs_no_other_machine(service, path):
    html = service.client.get(path).text

    links = links_of(html)
    for link in links:
        assert service.client.get(f"/{link}").status_code == 200, link
    assert links
    assert not re.search(r"(https?:)?//(?!www\.w3\.org)[a-z0-9.-]+\.[a-z]{2,}", html)


def test_the_page_with_all_that_it_loads_is_small(service, page):
    sizes = {"/": len(gzip.compress(page.content))}
    for link in set(links_of(page.text)) - {"docs"}:
        with service.client.stream("GET", f"/{link}") as answer:
            assert answer.headers["content-encoding"] == "gzip"
            sizes[link] = sum(map(len, answer.iter_raw()))

    assert len(sizes) > 25
    assert sum(sizes.values()) < MAX_BYTES, sizes


def test_a_browser_keeps_a_file_whose_address_has_its_digest(service, page):
    link = next(link for link in links_of(page.text) if link.endswith("page.css"))

    answer = service.client.get(f"/{link}")
    stale = service.client.get("/page/0123456789abcdef/static/page.css")

    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert stale.text == answer.text
    assert stale.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["static/../texts/en.json", "static/none.js", "", "templates/page.html"]
)
def test_files_of_the_page_are_no_way_to_other_files(service, path):
    assert service.client.get(f"/page/0/{path}").status_code == 404


def test_data_never_become_markup():
    for path, text in scripts().items():
        for door in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "setHTML",
        ):
            assert door not in text, path


def test_the_page_sends_a_key_and_stores_it_nowhere():
    together = "\n".join(scripts().values())

    assert 'Authorization: "Bearer " + key' in together
    for store in ("localStorage", "sessionStorage", "indexedDB", "cookie"):
        assert store not in together


def test_every_field_has_a_label(page):
    fields = re.findall(r"<(?:select|textarea|input)[^>]*\sid=\"([^\"]+)\"", page.text)

    assert [name for name in fields if f'<label for="{name}">' not in page.text] == []
    assert len(fields) >= 8


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.5,de;q=0.9", "de"),
        ("fr,en;q=0.5", "en"),
        ("de;q=0", "en"),
        ("", "en"),
        (";;q=x,,", "en"),
    ],
)
def test_the_page_speaks_the_language_that_a_browser_prefers(header, language):
    assert preferred_language(header) == language


def test_the_page_is_german_for_a_german_browser(service):
    answer = service.client.get("/", headers={"Accept-Language": "de"})

    assert '<html lang="de">' in answer.text
    assert "Prognose" in answer.text
    assert answer.headers["vary"] == "Accept-Language"


def words(language):
    return json.loads(PAGE.joinpath("texts", f"{language}.json").read_text("utf-8"))


def test_each_language_has_the_same_texts_with_the_same_gaps():
    def gaps(text):
        return sorted(set(re.findall(r"\{\w+\}", json.dumps(text))))

    english = {key: gaps(text) for key, text in words("en").items()}

    for language in LANGUAGES:
        assert {k: gaps(text) for k, text in words(language).items()} == english


def test_every_text_that_the_page_asks_for_exists():
    templates = [
        path.read_text("utf-8") for path in PAGE.joinpath("templates").iterdir()
    ]
    together = "\n".join([*scripts().values(), *templates])

    keys = set(re.findall(r"\bt\([\"']([a-z.]+[a-z])[\"']", together))

    assert keys - set(words("en")) == set()
    assert len(keys) > 150
