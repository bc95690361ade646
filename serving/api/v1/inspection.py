"""The route that shows how a file is read."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from serving.api.respond import read_body
from serving.http.problems import problems
from serving.http.validation import refuse_encoded
from serving.schemas.operation import InspectionAnswer, ReadingOptions
from serving.service import ServiceDependency

router = APIRouter(tags=["files"])
Options = Annotated[ReadingOptions, Query()]
CSV_BODY = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/v1/inspect",
    response_model=InspectionAnswer,
    responses=problems(408, 413, 415, 422, 500, 503),
    openapi_extra=CSV_BODY,
)
async def inspect_file(
    options: Options, request: Request, service: ServiceDependency
) -> Response:
    """Show how a file is read, by the rules of `recast inspect`; nothing is stored.

    The body is a CSV, plain or gzipped, or nothing but numbers: one line of them, or
    one number a line. Open questions come with the option that answers them; send the
    file again with it.
    """
    refuse_encoded(request)
    body = await read_body(request)
    content = await service.operation.inspections.inspect(body, options)
    return Response(content, media_type="application/json")
