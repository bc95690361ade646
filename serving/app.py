"""The ASGI application: routes, middleware, error handlers and lifespan."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from importlib.metadata import version
from typing import Any

import torch
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import compile_path

from forecasting.kernels.blas import one_blas_thread
from forecasting.kernels.compilation import is_compiled
from serving.api.mlflow_scoring import routes as invocations
from serving.api.nixtla.routes import router as nixtla
from serving.api.open_inference import routes as inference
from serving.api.v1 import (
    inspection,
    records,
    routes,
    sequences,
    training,
    versions,
)
from serving.errors import ServiceError
from serving.http import assets, pages
from serving.http.auth import auth_middleware
from serving.http.middleware import (
    BodyLimit,
    FrontRoutes,
    HeadAsGet,
    RequestLogMiddleware,
)
from serving.http.origins import cors_middleware, host_middleware
from serving.http.problems import error_response
from serving.http.timeouts import TimeoutMiddleware
from serving.http.validation import query_keys, request_error
from serving.observability.tracing import make_tracing_middleware
from serving.openapi import DESCRIPTION, add_bodies
from serving.server.malloc import keep_freed_memory
from serving.service import Service
from serving.settings import Settings

START_SECONDS = 30.0  # maximum wait for the models before requests are accepted
# FastAPI's own spans and metrics would repeat those of `serving.observability`, and its
# look for them at each request takes a tenth of a forecast.
NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False}
SWITCH_SECONDS = 0.0005  # thread switch interval: a request waits so long for a loader


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service as an ASGI application.

    Args:
        settings: default: read from the environment.
    """
    settings = settings or Settings()
    service = Service(settings)
    front = (*routes.FRONT, *sequences.FRONT)
    app = FastAPI(
        title="Recast",
        version=version("recast-forecasting"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
        lifespan=_lifespan,
        middleware=[
            *make_tracing_middleware(),
            Middleware(RequestLogMiddleware, service.metrics),
            *host_middleware(settings),
            *cors_middleware(settings),
            *auth_middleware(settings, service.metrics),
            Middleware(BodyLimit, settings.max_body_bytes),
            Middleware(
                TimeoutMiddleware, settings.body_seconds, settings.request_seconds
            ),
            Middleware(HeadAsGet),
            Middleware(FrontRoutes, front),
        ],
        exception_handlers={
            ServiceError: _handle_error,
            HTTPException: _handle_error,
            405: _handle_method,
            RequestValidationError: _handle_validation_error,
        },
    )
    app.state.service = service
    app.router.routes.extend(front)  # for their document, and other methods
    app.include_router(routes.router)
    app.include_router(records.router)
    app.include_router(versions.router)
    app.include_router(inspection.router)
    app.include_router(training.router)
    app.include_router(invocations.router)
    app.include_router(inference.router)
    app.include_router(pages.router)
    app.include_router(assets.router)
    app.include_router(nixtla)
    app.mount("/docs/assets", pages.ASSETS)
    add_bodies(app, settings)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Poll the registry as long as requests are answered."""
    torch.set_num_threads(1)  # requests run in parallel instead
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_freed_memory()
    service: Service = app.state.service
    polling = asyncio.create_task(service.poller.run())
    warm_up = asyncio.create_task(asyncio.to_thread(service.zero_shot.model.warm_up))
    with suppress(TimeoutError):  # early requests wait, instead of a 503
        async with asyncio.timeout(START_SECONDS):
            await service.poller.startup_done.wait()
            await asyncio.shield(warm_up)
    gc.enable()
    with one_blas_thread() if is_compiled() else nullcontext():
        yield
    polling.cancel()
    with suppress(asyncio.CancelledError):
        await polling
    service.close()


async def _handle_method(request: Request, error: Exception) -> Response:
    """Return the response to a wrong method, with all methods of the address."""
    response = await _handle_error(request, error)
    for path, operations in request.app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.scope["path"]):
            response.headers["Allow"] = ", ".join(sorted(map(str.upper, operations)))
    return response


async def _handle_error(request: Request, error: Exception) -> Response:
    return error_response(error, request.scope["path"])


async def _handle_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(
        request_error(error.errors(), keys=query_keys(request.scope)),
        request.scope["path"],
    )
