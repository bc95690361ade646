"""The two HTML pages of the service: forecasts at /, the API's manual at /docs."""

import base64
import hashlib
import re
from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from serving.http.assets import preferred_language, render_page

router = APIRouter(include_in_schema=False)
ASSETS = StaticFiles(packages=[("fastapi_offline", "static")])
INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@router.get("/")
async def page(request: Request) -> HTMLResponse:
    """Return the page that shows models and their forecasts."""
    language = preferred_language(request.headers.get("accept-language", ""))
    return _respond(render_page(language), {"Vary": "Accept-Language"})


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Return Swagger UI, served without a CDN: the machine may be offline."""
    html = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Recast: the API",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon.png",
    )
    return _respond(bytes(html.body).decode())


def content_security_policy(html: str) -> str:
    """Return the CSP header that allows only the scripts and styles in a page."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; "
        f"script-src 'self' {' '.join(hashes['script'])}; "
        f"style-src 'self' {' '.join(hashes['style'])}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _respond(html: str, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    policy = {"Content-Security-Policy": content_security_policy(html)}
    return HTMLResponse(html, headers={**policy, **(headers or {})})
