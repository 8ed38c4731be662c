"""The page of documentation: Swagger UI, from an installed package instead of somebody's server."""

import base64
import hashlib
import re
from importlib import resources

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse

FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon-32x32.png": "image/png"}
POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def page(request: Request) -> Response:
    """The page, whose addresses are relative, so that a proxy may serve it below a prefix."""
    script, css, icon = (f"docs/{name}" for name in FILES)
    response = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=request.app.title,
        swagger_js_url=script,
        swagger_css_url=css,
        swagger_favicon_url=icon,
    )
    inline = re.findall(rb"<script>(.*?)</script>", bytes(response.body), re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(inline).digest()).decode()
    response.headers["Content-Security-Policy"] = POLICY.format(digest)
    return response


@router.get("/docs/{name}")
async def file(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in FILES:
        raise HTTPException(404)
    path = str(resources.files("fastapi_swagger").joinpath("resources", name))
    return FileResponse(path, media_type=FILES[name], headers={"Cache-Control": "max-age=86400"})
