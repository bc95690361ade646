"""Files of the page: scripts, styles and texts of the package, held in memory.

The address of a file has the digest of all of them, so that a browser may keep it for
ever: other files have another address. They are compressed once.
"""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.exceptions import HTTPException
from starlette.responses import Response

FOLDER = "/page/"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain"}
LANGUAGES = ("en", "de")  # the first where a browser reads none of them
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)
Texts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page, plain and compressed."""

    content: bytes
    compressed: bytes
    media_type: str


@router.get(FOLDER + "{digest}/{path:path}")
async def asset(digest: str, path: str, request: Request) -> Response:
    """Return a file of the page.

    Raises:
        HTTPException: 404, there is no such file.
    """
    found_asset = assets().get(path)
    if found_asset is None:
        raise HTTPException(404)
    headers = {"Vary": "Accept-Encoding"}
    if digest == assets_digest():
        headers["Cache-Control"] = FOREVER
    content = found_asset.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"], content = "gzip", found_asset.compressed
    return Response(content, headers=headers, media_type=found_asset.media_type)


@cache
def assets() -> dict[str, Asset]:
    """Return the files below ``static`` and ``vendor`` by their path."""
    root = files("serving").joinpath("page")
    contents: dict[str, bytes] = {}
    for folder in ("static", "vendor"):
        contents |= _read_below(root.joinpath(folder), folder)
    return {
        path: Asset(content, gzip.compress(content, mtime=0), _media_type(path))
        for path, content in sorted(contents.items())
    }


@cache
def assets_digest() -> str:
    """Return the digest of all files of the page."""
    digest = sha256()
    for path, part in assets().items():
        digest.update(path.encode() + b"\0" + part.content)
    return digest.hexdigest()[:16]


@cache
def texts(language: str) -> Texts:
    """Return the words of the page in one language, by key."""
    path = files("serving").joinpath("page", "texts", f"{language}.json")
    words: Texts = json.loads(path.read_text(encoding="utf-8"))
    return words


def preferred_language(header: str) -> str:
    """Return the language of the page for a header ``Accept-Language``.

    >>> preferred_language("fr-FR,de-DE;q=0.8,en;q=0.5")
    'de'
    """
    weights = []
    for position, part in enumerate(header.split(",")):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        weights.append((-weight, position, tag.strip().split("-")[0].lower()))
    wishes = [tag for weight, _, tag in sorted(weights) if weight < 0]
    return next((tag for tag in wishes if tag in LANGUAGES), LANGUAGES[0])


@cache
def render_page(language: str) -> str:
    """Return the page as HTML, with its words in one language."""
    environment = Environment(
        loader=PackageLoader("serving", "page/templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = texts(language)
    modules = [path for path in assets() if path.startswith("static/")]
    return environment.get_template("page.html").render(
        language=language,
        t=words.__getitem__,
        words=words,
        folder=f"{FOLDER[1:]}{assets_digest()}/",
        modules=[path for path in modules if path.endswith(".js")],
    )


def _read_below(folder: Traversable, path: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            contents |= _read_below(entry, name)
        else:
            contents[name] = entry.read_bytes()
    return contents


def _media_type(path: str) -> str:
    ending = path[path.rfind(".") :]
    return MEDIA_TYPES.get(ending, "text/plain") + "; charset=utf-8"
